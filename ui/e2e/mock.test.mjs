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
const notice = (text) => page.getByTestId('notice').filter({ hasText: text }).waitFor();
const box = (id) => row(id).getByRole('checkbox');
const count = (text) =>
  page
    .getByTestId('list-count')
    .filter({ hasText: typeof text === 'string' ? new RegExp(`^${text}$`) : text });
/** How often the page has asked for a retry so far. */
const retries = () => server.mock.calls.filter((call) => call === 'POST /items/retry').length;

describe('the lists', () => {
  beforeEach(async () => {
    await open({}, '#/failed/items');
    // A key press waits for nothing: without this it may come before the rows.
    await row('failed-1').waitFor();
  });

  it('select a range with shift, and all with the box in the head', async () => {
    await box('failed-2').click();
    await box('failed-5').click({ modifiers: ['Shift'] });
    await page.getByText('4 selected').waitFor();
    await page.getByRole('checkbox', { name: 'Select all shown rows' }).click();
    await page.getByText('12 selected').waitFor();
    await page.getByRole('button', { name: 'Clear selection' }).click();
    await page.getByTestId('bulk-retry').waitFor({ state: 'detached' });
  });

  it('keep selection and scroll when something changes', async () => {
    await box('failed-9').click();
    const scroller = page.locator('[data-scroller]');
    await scroller.evaluate((element) => element.scrollTo(0, 100));
    const arrived = page.waitForResponse((response) => response.url().includes('/items?'));
    server.mock.items.find((item) => item.id === 'failed-10').title = 'Changed meanwhile';
    server.mock.emit({ items: ['failed-10'], orgs: false, routes: false });
    await arrived;
    await row('failed-10').getByText('Changed meanwhile').waitFor();
    assert.equal(await box('failed-9').isChecked(), true);
    assert.equal(await scroller.evaluate((element) => element.scrollTop), 100);
  });

  it('hold what is read in its place while rows come in above it', async () => {
    await page.setViewportSize({ width: 1280, height: 480 });
    const scroller = page.locator('[data-scroller]');
    await scroller.evaluate((element) => element.scrollTo(0, 160));
    const before = await row('failed-6').boundingBox();
    const newest = server.mock.items.find((item) => item.id === 'failed-1');
    server.mock.items.unshift({ ...newest, id: 'new-1' }, { ...newest, id: 'new-2' });
    server.mock.emit({ items: ['new-1', 'new-2'], orgs: false, routes: false });
    await count('14 items').waitFor();
    assert.equal((await row('failed-6').boundingBox()).y, before.y);
    await scroller.evaluate((element) => element.scrollTo(0, 0));
    server.mock.items.unshift({ ...newest, id: 'new-3' });
    server.mock.emit({ items: ['new-3'], orgs: false, routes: false });
    await count('15 items').waitFor();
    assert.equal(await scroller.evaluate((element) => element.scrollTop), 0);
  });

  it('retry one row for a key that is held down', async () => {
    await page.keyboard.press('j');
    await page.keyboard.down('r');
    await row('failed-1').waitFor({ state: 'detached' });
    // A second down of a key that is not up is a repeat, as a keyboard sends it.
    for (let i = 0; i < 5; i += 1) await page.keyboard.down('r');
    await page.keyboard.up('r');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    assert.equal(retries(), 1);
  });

  it('retry each of two rows whose buttons are pressed at the same time', async () => {
    await page.evaluate(() => {
      for (const id of ['failed-1', 'failed-2']) {
        const button = document.querySelector(`[data-id="${id}"] .row-actions button`);
        // The second click on one button is a double click and must not count.
        button.click();
        button.click();
      }
    });
    await row('failed-1').waitFor({ state: 'detached' });
    await row('failed-2').waitFor({ state: 'detached' });
    assert.equal(retries(), 2);
  });

  it('leave single letters alone when they are switched off', async () => {
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: 'Single-letter shortcuts are on' }).uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.reload();
    await row('failed-1').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByRole('dialog').waitFor();
    assert.equal(await page.locator('tr.active').count(), 0);
    assert.match(page.url(), /#\/failed\/items$/);
  });

  it('say how many rows there are to those who do not see it', async () => {
    await page.getByTestId('announcer').getByText('Failed, Items: 12 items').waitFor();
    await page.getByRole('link', { name: 'Dismissed' }).click();
    await page.getByTestId('announcer').getByText('Failed, Dismissed: 1 item').waitFor();
  });

  it('say what a bulk retry did and what was refused', async () => {
    await box('failed-1').click();
    await box('failed-2').click();
    // Synced behind the page's back: the page still offers it.
    server.mock.items.find((item) => item.id === 'failed-2').status = 'synced';
    await page.getByTestId('bulk-retry').click();
    await notice('1 queued again, 1 refused: it is synced');
    await page.getByText('Reasons by item').click();
    const refused = page.getByTestId('notice').getByRole('listitem');
    assert.equal(await refused.textContent(), 'Fix rounding of invoice totals: it is synced');
    await assertAccessible(page, 'refused by item');
    await refused.getByRole('link').click();
    await page.locator('[data-testid="item-status"][data-status="synced"]').waitFor();
    await row('failed-1').waitFor({ state: 'detached' });
  });

  it('keep the keyboard in its place when the focused row leaves', async () => {
    await row('failed-3').getByRole('button', { name: 'Retry' }).click();
    await row('failed-3').waitFor({ state: 'detached' });
    await page.locator('[data-row-link]:focus').waitFor();
    await box('failed-1').click();
    await page.getByTestId('bulk-retry').press('Enter');
    await row('failed-1').waitFor({ state: 'detached' });
    await page.locator('[data-row-link]:focus').waitFor();
  });

  it('retry everything that matches', async () => {
    await page.getByRole('button', { name: 'Retry all 12 matching' }).click();
    await notice('12 queued again');
    await page.getByText('Nothing has failed').waitFor();
    await page.getByTestId('nav-failed').getByText('12').waitFor({ state: 'detached' });
    assert.equal(await page.title(), 'Sync Monitor');
  });

  it('dismiss only with a reason, and restore', async () => {
    await box('failed-3').click();
    await page.getByRole('button', { name: 'Dismiss…' }).click();
    await page.getByTestId('dismiss-confirm').click();
    await page.getByText('Please give a reason').waitFor();
    await page.getByLabel('Reason').fill('Not needed any more');
    await page.getByTestId('dismiss-confirm').click();
    await notice('1 dismissed');
    await row('failed-3').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Dismissed' }).click();
    await row('failed-3').getByRole('button', { name: 'Restore' }).click();
    await notice('1 restored');
    await row('failed-3').waitFor({ state: 'detached' });
  });

  it('filter by target org and load further pages', async () => {
    await goTo(page, '#/activity/events');
    await count('100 of 130 items shown').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await count('130 items').waitFor();
    await page.getByLabel('Target org').selectOption({ label: 'Only to acme-client' });
    await count('65 items').waitFor();
  });
});

describe('the item', () => {
  it('opens by its own address and shows numbers exactly as sent', async () => {
    await open({}, '#/item/failed-2');
    await page.getByTestId('cause-card').getByText('The record was busy').waitFor();
    const payload = await page.getByTestId('payload').textContent();
    assert.match(payload, /"estimatedHours": 1\.10,/);
    assert.match(payload, /"legacyNumber": 12345678901234567890,/);
    assert.equal(await page.getByTestId('attempt').count(), 5);
    assert.equal(await page.getByTestId('attempt').first().getAttribute('data-outcome'), 'failed');
  });

  it('gives the focus back when it closes', async () => {
    await open({}, '#/failed/items');
    await row('failed-4').getByTestId('item-open').click();
    await page.getByTestId('item-status').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('item-drawer').waitFor({ state: 'detached' });
    const focused = await page.evaluate(() => document.activeElement?.dataset.rowLink);
    assert.equal(focused, 'failed-4');
  });

  it('says why it waits', async () => {
    await open({}, '#/queue/held');
    await row('queued-9').getByText('Sign-in required').waitFor();
    await row('queued-10').getByText('Older change goes first').waitFor();
    await page.context().close();
    await server.cut();
    await open({}, '#/item/queued-9');
    await page.getByTestId('held-card').getByText('Connect the org again').waitFor();
  });

  it('says that it does not exist', async () => {
    await open({}, '#/item/nothing');
    await page.getByText('This item does not exist any more.').waitFor();
  });
});

describe('the connection', () => {
  it('says that it is lost, keeps the last data, and recovers by itself', async () => {
    await open({}, '#/failed/items');
    await row('failed-1').waitFor();
    await server.cut();
    await page.getByTestId('connection-lost').getByText('may be out of date').waitFor();
    assert.equal(await page.getByTestId('item-row').count(), 12);
    server.mock.items.find((item) => item.id === 'failed-1').status = 'synced';
    await server.start();
    await page.getByTestId('connection-lost').waitFor({ state: 'detached' });
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
      await page.getByRole('button', { name: 'Dismiss…' }).click();
      await assertAccessible(page, `${theme} dismiss dialog`);
      await page.keyboard.press('Escape');
      await goTo(page, '#/orgs');
      await page.getByTestId('org-add').click();
      await assertAccessible(page, `${theme} add-org wizard`);
    });
  }
});
