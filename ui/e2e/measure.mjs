/**
 * Measures what the page costs, in Chromium against the mock server with a list of
 * 100,000 failed items (`ROWS` names another number): `npm run measure`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { launch } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const ROWS = Number(process.env.ROWS ?? 100_000);
const TIMES = 7;
const DIST = process.env.UI_DIST ?? fileURLToPath(new URL('../dist/', import.meta.url));

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const ms = (value) => `${Math.round(value)} ms`;
const kb = (value) => `${(value / 1000).toFixed(1)} kB`;
const mb = (value) => `${(value / 1_000_000).toFixed(1)} MB`;
const results = [];
const note = (what, value) => {
  results.push([what, value]);
  console.log(`${what}: ${value}`);
};

/** The sizes that travel: what the first look needs, and all there is. */
async function sizes() {
  const html = await readFile(join(DIST, 'index.html'), 'utf8');
  const assets = await readdir(join(DIST, 'assets'));
  let first = 0;
  let all = 0;
  let styles = 0;
  for (const name of assets) {
    const size = gzipSync(await readFile(join(DIST, 'assets', name)), { level: 9 }).length;
    if (name.endsWith('.css') && html.includes(name)) styles += size;
    if (!name.endsWith('.js')) continue;
    all += size;
    if (html.includes(name)) first += size;
  }
  note('JavaScript for the first look, gzip', kb(first));
  note('JavaScript altogether, gzip', kb(all));
  note('Styles for the first look, gzip', kb(styles));
}

/** A mock that answers at once, however many items it has: the page is measured, not its stand-in. */
async function quick() {
  const server = await startMock({ failed: ROWS, demo: false });
  const { mock } = server;
  const status = mock.status();
  mock.status = () => ({ ...status, serverTime: new Date().toISOString() });
  mock.counted = (of) => of;
  const all = mock.matching({ status: 'failed' });
  // The stand-in's own way to a page goes through all rows each time.
  mock.page = (query) => {
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 100);
    const items = all.slice(from, to).map(({ attemptLog: _a, payloadText: _p, ...item }) => item);
    return { items, nextCursor: to < all.length ? String(to) : null, total: all.length };
  };
  const groups = mock.failures();
  mock.failures = () => groups;
  return server;
}

async function firstLook(browser, server, hash, ready) {
  const paints = [];
  const readies = [];
  for (let n = 0; n < TIMES; n += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.goto(server.url + hash);
    await page.locator(ready).first().waitFor();
    const times = await page.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
      now: performance.now(),
    }));
    paints.push(times.paint);
    readies.push(times.now);
    await context.close();
  }
  note(`First paint, ${hash}`, ms(median(paints)));
  note(`Data shown, ${hash}`, ms(median(readies)));
}

/** The page asks at most each 300 ms: the next change is to find it at rest, as a single one does. */
const atRest = (page) =>
  page.waitForFunction(() => {
    const ends = performance.getEntriesByType('resource').map((entry) => entry.responseEnd);
    return performance.now() - Math.max(...ends) > 350;
  });

/** From the event leaving the server to the frame that shows it; both clocks are this machine's. */
async function eventToPixel(page, server, item) {
  const times = [];
  for (let n = 0; n < TIMES; n += 1) {
    const title = `Changed ${n}`;
    const shown = page.evaluate(
      ([id, text]) =>
        new Promise((resolve) => {
          const find = () =>
            document.querySelector(`[data-row-link="${id}"]`)?.textContent === text;
          const observer = new MutationObserver(() => {
            if (!find()) return;
            observer.disconnect();
            performance.mark('changed');
            requestAnimationFrame(() => {
              const channel = new MessageChannel();
              // The task after the frame: the pixels are there.
              channel.port1.onmessage = () => {
                performance.measure('pixels', 'changed');
                resolve(Date.now());
              };
              channel.port2.postMessage(null);
            });
          });
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
      [item.id, title],
    );
    item.title = title;
    item.updatedAt = new Date().toISOString();
    const at = Date.now();
    server.mock.emit({ items: [item.id], orgs: false, routes: false });
    times.push((await shown) - at);
    await atRest(page);
  }
  return times;
}

const browser = await launch();
await sizes();
const server = await quick();
await firstLook(browser, server, '#/overview', '[data-testid="headline"]');
await firstLook(browser, server, '#/failed/items', '[data-testid="item-row"]');

const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
const session = await context.newCDPSession(page);
await session.send('Performance.enable');
const heap = async () => {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
};
// Whether it is at rest is seen in what it asked for: nothing of that may be left out.
await page.addInitScript(() => performance.setResourceTimingBufferSize(100_000));
await page.goto(`${server.url}#/failed/items`);
await page.getByTestId('item-row').first().waitFor();
note('Heap with the first page', mb((await heap()).JSHeapUsedSize));
const [item] = server.mock.items;
const few = await eventToPixel(page, server, item);
note('Event to pixel, top of the list', `${ms(median(few))} (worst ${ms(Math.max(...few))})`);

const scroller = page.locator('[data-scroller]');
const began = Date.now();
await page.evaluate(async () => {
  const list = document.querySelector('[data-scroller]');
  const rows = Number(document.querySelector('[role="grid"]').getAttribute('aria-rowcount')) - 1;
  const { height } = document.querySelector('[data-row]').getBoundingClientRect();
  while (list.scrollHeight < rows * height - 1) {
    list.scrollTop = list.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
});
note(`${ROWS} rows loaded, 500 at a time`, `${((Date.now() - began) / 1000).toFixed(1)} s`);
const full = await heap();
note(`Heap with ${ROWS} rows`, mb(full.JSHeapUsedSize));
await scroller.evaluate((element) => element.scrollTo(0, 0));
await page.locator(`[data-row-link="${item.id}"]`).waitFor();
const many = await eventToPixel(page, server, item);
note(`Event to pixel, ${ROWS} rows loaded`, `${ms(median(many))} (worst ${ms(Math.max(...many))})`);

await browser.close();
await server.cut();
console.log('\n| what | measured |\n| --- | --- |');
for (const [what, value] of results) console.log(`| ${what} | ${value} |`);
process.exit(0);
