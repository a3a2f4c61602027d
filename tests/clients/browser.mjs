/**
 * Somebody in front of a browser: opens a URL, fills in the login page, agrees, and prints the page that it ends on.
 *
 * Usage: node browser.mjs URL [deny]. A form with a password is a login page; any other form is agreed to, or with
 * `deny` left by its link to abort.
 */
const [start, deny] = process.argv.slice(2);
const cookies = new Map();

async function go(url, body) {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    body,
    redirect: 'manual',
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    cookies.set(name, value);
  }
  const location = response.headers.get('location');
  if (location !== null) return go(new URL(location, url).href);
  return { url, status: response.status, text: await response.text() };
}

let page = await go(start);
for (let form; (form = /<form[^>]*action="([^"]+)"/.exec(page.text)) !== null; ) {
  const abort = /<a href="([^"]+\/abort)"/.exec(page.text);
  if (deny !== undefined && abort !== null) {
    page = await go(new URL(abort[1], page.url).href);
    continue;
  }
  const fields = [...page.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
    /name="([^"]+)"/.exec(input)[1],
    /value="([^"]*)"/.exec(input)[1],
  ]);
  if (page.text.includes('type="password"')) fields.push(['login', 'ada@acme.example'], ['password', 'x']);
  page = await go(new URL(form[1], page.url).href, new URLSearchParams(fields));
}
console.log(JSON.stringify(page));
