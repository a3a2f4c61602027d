/**
 * Journeys of an admin through the real program. `SYNC_MONITOR_OPEN_URL` is a
 * fresh one-time link to it, which these journeys use up; the program must be a
 * fresh demo: four items have failed there, and the causes of three were mended.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo, launch, SCREENS } from './browser.mjs';

const OPEN_URL = process.env.SYNC_MONITOR_OPEN_URL;

/** Asks the API as the page does. */
function ask(page, path) {
  return page.evaluate(async (address) => {
    const response = await fetch(`/api/v1${address}`, { headers: { 'X-Sync-Monitor': '1' } });
    return response.json();
  }, path);
}

/** The records of the demo whose validation rule was mended right after it refused them. */
const MENDED = ['WI-005', 'WI-007', 'WI-008'];

/** The failed items that a retry cures. */
async function curableItems(page) {
  const { items } = await ask(page, '/items?status=failed&limit=100');
  return items.filter((item) => MENDED.includes(item.externalIds[0]));
}

describe('journeys through the program', () => {
  let browser;
  let page;

  before(async () => {
    assert.ok(OPEN_URL, 'SYNC_MONITOR_OPEN_URL must hold a one-time link to the running program');
    browser = await launch();
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    await page.goto(OPEN_URL);
    await page.getByTestId('headline').waitFor();
  });
  after(() => browser?.close());

  const row = (id) => page.locator(`[data-testid="item-row"][data-id="${id}"]`);

  it('shows on the overview what the program counts, and leads there', async () => {
    await goTo(page, '#/overview');
    const { counts } = await ask(page, '/status');
    assert.ok(counts.failed >= 4, 'the journeys need four failed items');
    const shown = await page.getByTestId('tile-failed-count').textContent();
    assert.equal(Number(shown.replace(/\D/g, '')), counts.failed);
    await page.getByTestId('tile-failed').click();
    await page.getByTestId('item-row').first().waitFor();
    const { total } = await ask(page, '/items?status=failed&limit=1');
    assert.equal(total, counts.failed);
  });

  it('opens a failed item, shows why, and retries it', async () => {
    await goTo(page, '#/overview');
    await page.getByTestId('nav-failed').click();
    const [item] = await curableItems(page);
    await row(item.id).getByTestId('item-open').click();
    await page.locator('[data-testid="item-status"][data-status="failed"]').waitFor();
    await page.getByTestId('cause-card').waitFor();
    await page.getByTestId('attempt').first().waitFor();
    const detail = await ask(page, `/items/${item.id}`);
    assert.equal(await page.getByTestId('attempt').count(), detail.attemptLog.length);
    const payload = await page.getByTestId('payload').textContent();
    assert.deepEqual(JSON.parse(payload), JSON.parse(detail.payloadText));
    await page.getByTestId('item-retry').click();
    await page.getByTestId('notice').filter({ hasText: '1 queued again' }).waitFor();
    await page.locator('[data-testid="item-status"][data-status="synced"]').waitFor();
    await page.keyboard.press('Escape');
    await row(item.id).waitFor({ state: 'detached' });
  });

  it('retries several at once', async () => {
    await goTo(page, '#/failed');
    const [first, second] = await curableItems(page);
    for (const item of [first, second]) await row(item.id).getByRole('checkbox').click();
    await page.getByText('2 selected').waitFor();
    await page.getByTestId('bulk-retry').click();
    await page.getByTestId('notice').filter({ hasText: '2 queued again' }).waitFor();
    for (const item of [first, second]) await row(item.id).waitFor({ state: 'detached' });
  });

  it('can be done with the keyboard alone', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByTestId('headline').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.getByTestId('item-row').first().waitFor();
    await page.keyboard.press('j');
    const id = await page.evaluate(() => document.activeElement?.dataset.rowLink);
    assert.ok(id, 'j puts the focus on a row');
    await page.keyboard.press('x');
    assert.equal(await row(id).getByRole('checkbox').isChecked(), true);
    await page.keyboard.press('x');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="item-status"][data-status="failed"]').waitFor();
    await page.keyboard.press('r');
    await page.getByTestId('notice').filter({ hasText: '1 queued again' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('item-drawer').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  for (const theme of ['Light', 'Dark']) {
    it(`has no accessibility finding, ${theme.toLowerCase()}`, async () => {
      await chooseTheme(page, theme);
      for (const hash of SCREENS) {
        await goTo(page, hash);
        await assertAccessible(page, `${theme} ${hash}`);
      }
      const { items } = await ask(page, '/items?limit=1');
      await goTo(page, `#/item/${items[0].id}`);
      await assertAccessible(page, `${theme} item`);
    });
  }

  it('connects the third org in the browser, tests it, and gives it a route', async () => {
    await goTo(page, '#/orgs');
    await page.getByTestId('org-add').click();
    await page.getByTestId('wizard-next').click();
    await page.getByText('third org of this demo').waitFor();
    await page.getByLabel('Alias (optional)').fill('Northwind');
    const opened = page.context().waitForEvent('page');
    await page.getByTestId('wizard-next').click();
    const login = await opened;
    await login.getByRole('link', { name: 'Allow' }).click();
    await login.getByRole('heading', { name: 'You are signed in' }).waitFor();
    await login.getByText('admin@northwind.example').waitFor();
    await login.close();
    await page.getByRole('heading', { name: 'Northwind is connected' }).waitFor();
    for (const check of ['signIn', 'endpoint', 'apiUsage', 'clock']) {
      await page.locator(`[data-check="${check}"][data-result="ok"]`).waitFor();
    }
    await page.getByTestId('wizard-next').click();
    const direction = page.getByTestId('direction').filter({ hasText: 'Acme (prod) → Northwind' });
    await direction.getByRole('checkbox').check();
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('route-row').filter({ hasText: 'Northwind' }).waitFor();
    const { orgs } = await ask(page, '/orgs');
    const org = orgs.find((one) => one.alias === 'Northwind');
    assert.deepEqual(
      [org.kind, org.signedInBy, org.health],
      ['production', 'browser', 'connected'],
    );
  });
});
