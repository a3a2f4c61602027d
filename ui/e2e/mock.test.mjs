/** What the UI does by itself, against the mock server. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo, launch, SCREENS } from './browser.mjs';
import { startMock } from './mock-server.mjs';

let browser;
let server;
let page;
let complaints;

async function open(options, hash = '') {
  server = await startMock(options);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(server.url + hash);
}

before(async () => {
  browser = await launch();
});
after(() => browser.close());
afterEach(async () => {
  await page.context().close();
  await server.cut();
  assert.deepEqual(complaints, []);
});

const row = (id) => page.locator(`[data-testid="item-row"][data-id="${id}"]`);
const box = (id) => row(id).getByRole('checkbox');
const count = (text) =>
  page
    .getByTestId('list-count')
    .filter({ hasText: typeof text === 'string' ? new RegExp(`^${text}$`) : text });

describe('the connection', () => {
  it('says that it is lost, keeps the last data, and recovers by itself', async () => {
    await open({}, '#/failed/items');
    await row('failed-1').waitFor();
    await server.cut();
    const stopped = page.locator('[data-trouble="stopped"]');
    await stopped.getByText('What you see is as of').waitFor();
    assert.equal(await page.getByTestId('item-row').count(), 12);
    server.mock.items.find((item) => item.id === 'failed-1').status = 'synced';
    await server.start();
    await stopped.waitFor({ state: 'detached' });
    await row('failed-1').waitFor({ state: 'detached' });
    assert.equal(await page.getByTestId('item-row').count(), 11);
  });

  it('tells failure to load from an empty list', async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    await server.cut();
    await page.getByTestId('nav-failed').click();
    await page.getByTestId('tab-items').click();
    await page.getByText('The list could not be loaded').waitFor();
    await server.start();
    await row('failed-1').waitFor();
  });
});

describe('the overview', () => {
  it('is in sync only when nothing needs anyone', async () => {
    await open({ failed: 0, demo: false });
    await page.getByTestId('headline').getByText('1 org needs you').waitFor();
    assert.equal(await page.getByTestId('demo-banner').count(), 0);
    server.mock.orgs.forEach((org) => (org.health = 'connected'));
    server.mock.items = server.mock.items.filter((item) => item.status === 'synced');
    server.mock.emit({ items: null, orgs: true, routes: false });
    await page.getByTestId('headline').getByText('Everything is in sync').waitFor();
  });

  it('leads from every number to exactly that many rows', async () => {
    await open({});
    for (const tile of ['failed', 'retrying', 'queued', 'held', 'synced']) {
      await goTo(page, '#/overview');
      const said = await page.getByTestId(`tile-${tile}-count`).textContent();
      await page.getByTestId(`tile-${tile}`).click();
      await count(new RegExp(`^(\\d+ of )?${said} items`)).waitFor();
    }
  });
});

describe('orgs and routes', () => {
  beforeEach(() => open({}, '#/orgs'));

  it('are paused and resumed', async () => {
    await page.getByRole('button', { name: 'Pause acme-client' }).click();
    await page.getByRole('button', { name: 'Resume acme-client' }).waitFor();
    await page.getByRole('button', { name: 'Pause the route from acme-client' }).click();
    await page
      .getByRole('button', { name: 'Resume the route from acme-client to northwind-agency' })
      .waitFor();
  });
});

describe('accessibility', () => {
  for (const theme of ['Light', 'Dark']) {
    it(`has no finding on any screen, ${theme.toLowerCase()}`, async () => {
      await open({});
      await chooseTheme(page, theme);
      for (const hash of [...SCREENS, '#/item/failed-1', '#/item/retrying-2', '#/item/queued-9']) {
        await goTo(page, hash);
        await assertAccessible(page, `${theme} ${hash}`);
      }
      await goTo(page, '#/failed/items');
      await box('failed-1').click();
      await page.getByTestId('bulk-dismiss').click();
      await assertAccessible(page, `${theme} dismiss dialog`);
      await page.keyboard.press('Escape');
      await goTo(page, '#/orgs');
      await page.getByTestId('org-add').click();
      await assertAccessible(page, `${theme} add-org wizard`);
    });
  }
});
