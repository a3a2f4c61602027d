/** Connecting orgs and looking after them, against the mock server. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme } from './browser.mjs';
import { ORGS } from './mock-data.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages({
  context: { viewport: { width: 1280, height: 900 } },
  // The login page is somebody else's: here it is enough that it is opened.
  prepare: (made) =>
    made.context().route('https://login.example/**', (route) => route.fulfill({ body: 'login' })),
});
const { becomes, notice } = t;
let server;
let page;

async function open(options, hash = '#/orgs') {
  ({ page, server } = await t.open(options, hash));
}

const card = (id) => page.locator(`[data-testid="org-card"][data-org="${id}"]`);
const step = (name) => page.locator(`[data-testid="wizard"][data-step="${name}"]`).waitFor();
const next = () => page.getByTestId('wizard-next').click();
const problem = (text) => page.getByTestId('wizard-error').filter({ hasText: text }).waitFor();
const NEW = '00D9z000000NWNDEA0';

describe('the add-org wizard', () => {
  beforeEach(async () => {
    await open({ demo: false });
    await card(ORGS.client).waitFor();
    await page.getByTestId('org-add').click();
    await step('how');
  });

  it('connects an org in the browser, by keyboard, and makes its routes', async () => {
    const popup = page.context().waitForEvent('page');
    await page.getByRole('radio', { name: 'In the browser' }).focus();
    await page.keyboard.press('Enter');
    await step('browser');
    await becomes(
      () => page.evaluate(() => document.activeElement.textContent),
      'Which login page?',
      'the step is read',
    );
    await page.getByRole('radio', { name: 'Production' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByLabel('Alias (optional)').fill('Northwind');
    await page.keyboard.press('Enter');
    await step('waiting');
    assert.match((await popup).url(), /login\.example.*state=sign-in-1/);
    assert.deepEqual(server.mock.bodies.at(-1), {
      loginUrl: 'https://test.salesforce.com',
      alias: 'Northwind',
    });
    server.mock.finish('sign-in-1');
    await step('test');
    await page.getByRole('heading', { name: 'Northwind is connected' }).waitFor();
    await page.locator('[data-check="endpoint"][data-result="failed"]').waitFor();
    await page.keyboard.press('Tab');
    await next();
    await step('directions');
    const directions = page.getByTestId('direction');
    await directions
      .filter({ hasText: 'Northwind → acme-client' })
      .getByText('test data')
      .waitFor();
    await directions.filter({ hasText: 'acme-client → Northwind' }).getByRole('checkbox').check();
    await next();
    await page.getByTestId('wizard').waitFor({ state: 'detached' });
    assert.deepEqual(server.mock.bodies.at(-1), {
      sourceOrgId: ORGS.client,
      targetOrgId: NEW,
      enabled: true,
    });
    await page
      .getByTestId('route-row')
      .filter({ hasText: /Northwind/ })
      .waitFor();
  });

  it('says why a sign-in failed, and begins anew', async () => {
    await next();
    await step('browser');
    await next();
    await page.getByTestId('sign-in-link').waitFor();
    server.mock.finish('sign-in-1', { code: 'SIGN_IN_REFUSED', detail: 'Access was denied.' });
    await page.getByTestId('sign-in-failed').filter({ hasText: 'Access was denied.' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('sign-in-link').waitFor();
    server.mock.finish('sign-in-2');
    await step('test');
  });

  it('says what keeps a sign-in from beginning', async () => {
    server.mock.problems.set('POST /orgs/login', {
      status: 409,
      code: 'REDIRECT_PORT_TAKEN',
      detail: 'Port 1717 of this machine is taken.',
    });
    await next();
    await step('browser');
    await next();
    await page.getByTestId('sign-in-failed').filter({ hasText: 'Port 1717' }).waitFor();
  });

  it('gives a sign-in up when it is closed', async () => {
    await next();
    await step('browser');
    await next();
    await page.getByTestId('sign-in-link').waitFor();
    const given = page.waitForRequest((request) => request.method() === 'DELETE');
    await page.keyboard.press('Escape');
    assert.match((await given).url(), /orgs\/login\/sign-in-1$/);
    await page.getByTestId('wizard').waitFor({ state: 'detached' });
    await becomes(
      () => page.evaluate(() => document.activeElement.dataset.testid),
      'org-add',
      'the focus is where it was',
    );
  });

  it('picks an org of the Salesforce CLI', async () => {
    await page.getByRole('radio', { name: 'By the Salesforce CLI' }).check();
    await next();
    await page.getByTestId('cli-org').filter({ hasText: 'connected already' }).waitFor();
    const other = page.getByTestId('cli-org').filter({ hasText: 'ada@northwind' });
    await becomes(() => other.getByRole('radio').isChecked(), true, 'the first that is new');
    await page.getByLabel('Alias (optional)').fill('uat');
    await next();
    await step('test');
    const chosen = server.mock.bodies.find((body) => body.username !== undefined);
    assert.deepEqual(chosen, { username: 'ada@northwind.example.uat', alias: 'uat' });
  });

  it('says what is wrong with the Salesforce CLI, and asks again', async () => {
    server.mock.problems.set('GET /orgs/cli', {
      status: 503,
      code: 'CLI_MISSING',
      detail: 'The Salesforce CLI (sf) was not found. Install it.',
    });
    await page.getByRole('radio', { name: 'By the Salesforce CLI' }).check();
    await next();
    await problem('was not found');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('cli-org').first().waitFor();
  });

  it('takes an sfdxAuthUrl, and forgets it', async () => {
    await page.getByRole('radio', { name: 'By an sfdxAuthUrl' }).check();
    await next();
    const field = page.getByLabel('sfdxAuthUrl', { exact: true });
    await becomes(() => field.getAttribute('type'), 'password');
    await page.getByText('Two holders of one refresh token').waitFor();
    await field.fill('https://login.salesforce.com');
    await next();
    await problem('begins with force://');
    server.mock.problems.set('POST /orgs/import', {
      status: 422,
      code: 'SIGN_IN_REFUSED',
      detail: 'expired access/refresh token',
    });
    await field.fill('force://PlatformCLI::5Aep861secret@acme.my.salesforce.com');
    await next();
    await problem('expired access/refresh token');
    await becomes(() => field.inputValue(), '', 'a secret does not stay on the screen');
    await field.fill('force://PlatformCLI::5Aep861secret@acme.my.salesforce.com');
    await next();
    await step('test');
  });

  it('is accessible at every step, in light and dark', async () => {
    await page.keyboard.press('Escape');
    for (const theme of ['Light', 'Dark']) {
      await chooseTheme(page, theme);
      await page.getByTestId('org-add').click();
      await assertAccessible(page, `${theme}: how`);
      for (const [way, name] of [
        ['cli', 'By the Salesforce CLI'],
        ['authUrl', 'By an sfdxAuthUrl'],
        ['browser', 'In the browser'],
      ]) {
        await page.getByRole('radio', { name }).check();
        await next();
        await step(way);
        if (way === 'cli') await page.getByTestId('cli-org').first().waitFor();
        await assertAccessible(page, `${theme}: ${way}`);
        if (way !== 'browser') await page.getByRole('button', { name: 'Back' }).click();
      }
      await next();
      await page.getByTestId('sign-in-link').waitFor();
      await assertAccessible(page, `${theme}: waiting`);
      server.mock.finish(`sign-in-${server.mock.signIns.size}`);
      await step('test');
      await page.getByTestId('checks').waitFor();
      await assertAccessible(page, `${theme}: test`);
      await next();
      await step('directions');
      await assertAccessible(page, `${theme}: directions`);
      await next();
      await page.getByTestId('wizard').waitFor({ state: 'detached' });
    }
  });
});

it('the wizard of a demo leads to the org that waits there', async () => {
  await open({ demo: true });
  await page.getByTestId('org-add').click();
  await next();
  await step('browser');
  await becomes(() => page.getByLabel('Address of the org').inputValue(), 'http://127.0.0.1:9');
  await page.getByText('third org of this demo').waitFor();
});

describe('a card', () => {
  beforeEach(async () => {
    await open({});
    await card(ORGS.legacy).waitFor();
  });

  it('says how an org is signed in to, and how much of its API is used', async () => {
    await card(ORGS.client).getByText('signed in with the browser').waitFor();
    await card(ORGS.client).getByText('4,210 / 15,000 (28 %)').waitFor();
    const org = server.mock.orgs.find((one) => one.orgId === ORGS.client);
    Object.assign(org, { apiUsage: { used: 14_500, max: 15_000 }, signedInBy: 'cli' });
    server.mock.emit({ items: [], orgs: true, routes: false });
    await card(ORGS.client).getByText('used up soon').waitFor();
    await card(ORGS.client).getByText('by the Salesforce CLI').waitFor();
    await assertAccessible(page, 'a full gauge');
  });

  it('signs in again with one click', async () => {
    const popup = page.context().waitForEvent('page');
    await card(ORGS.legacy).getByTestId('org-sign-in').click();
    await page.getByRole('dialog', { name: 'Sign in to legacy again' }).waitFor();
    assert.match((await popup).url(), /login\.example/);
    await assertAccessible(page, 'the dialog');
    server.mock.finish('sign-in-1');
    await notice('legacy is signed in');
    await card(ORGS.legacy).getByText('Connected', { exact: true }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('tests an org and shows what was found until it is closed', async () => {
    await card(ORGS.client).getByTestId('org-test').click();
    await notice('found 2 things to look at');
    const checks = card(ORGS.client).getByTestId('checks');
    await checks.getByText('There is no sync endpoint at /x.').waitFor();
    await assertAccessible(page, 'the result of a test');
    await page.getByRole('button', { name: 'Close the result of the test' }).click();
    await checks.waitFor({ state: 'detached' });
  });

  it('disconnects an org after it was asked', async () => {
    await card(ORGS.client).getByTestId('org-disconnect').click();
    await page.getByText('revoked and forgotten').waitFor();
    await becomes(() => page.evaluate(() => document.activeElement.textContent), 'Cancel');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.ok(!server.mock.calls.some((call) => call.startsWith('DELETE')));
    await card(ORGS.client).getByTestId('org-disconnect').click();
    await page.getByTestId('disconnect-confirm').click();
    await notice('acme-client is disconnected');
    await card(ORGS.client).waitFor({ state: 'detached' });
  });

  it('changes what an org is called and where its endpoint is', async () => {
    await page.getByRole('button', { name: 'Settings of acme-client' }).click();
    await page.getByLabel('Alias').fill('Acme');
    server.mock.problems.set(`PATCH /orgs/${ORGS.client}`, {
      status: 400,
      code: 'INVALID_REQUEST',
      detail: "The endpoint's path must begin with one /.",
    });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('must begin with one /').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await card(ORGS.client).getByRole('heading', { name: 'Acme' }).waitFor();
  });

  it('gives the routes of a refreshed sandbox to its successor', async () => {
    const sandbox = server.mock.orgs.find((one) => one.orgId === ORGS.sandbox);
    sandbox.replacedBy = NEW;
    server.mock.emit({ items: [], orgs: true, routes: false });
    await card(ORGS.sandbox).getByText('This sandbox was refreshed').waitFor();
    await page.getByRole('button', { name: 'Give its routes to the new org' }).click();
    await notice('1 route made for the new org');
    assert.equal(server.mock.routes.at(-1).targetOrgId, NEW);
    await page.getByRole('button', { name: 'Give its routes to the new org' }).click();
    await notice('has these routes already');
  });

  it('adds and removes a route', async () => {
    await page.getByTestId('route-add').click();
    await page.getByLabel('Source').fill('00D0z000000CSTMEA0');
    await page.getByLabel('Target').selectOption({ label: 'acme-uat' });
    await page.getByRole('dialog').getByRole('button', { name: 'Add route' }).click();
    const row = page.getByTestId('route-row').filter({ hasText: '00D0z000000CSTMEA0' });
    await row.getByTestId('route-remove').click();
    await page.getByTestId('route-remove-confirm').click();
    await row.waitFor({ state: 'detached' });
  });
});

it('the overview offers the sign-in that is needed', async () => {
  await open({ failed: 0 }, '#/overview');
  const needed = page.getByTestId('needs-sign-in').filter({ hasText: 'legacy needs a sign-in' });
  await needed.getByRole('button').click();
  await page.getByTestId('sign-in-link').waitFor();
  server.mock.finish('sign-in-1');
  await notice('legacy is signed in');
  await needed.waitFor({ state: 'detached' });
});
