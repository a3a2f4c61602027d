/** The item, the thread of a work item, the map of orgs and the audit log, against the mock server. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo } from './browser.mjs';
import { ORGS } from './mock-data.mjs';
import { mockPages } from './mock-page.mjs';

const mock = mockPages();
const { becomes } = mock;
const status = (name) =>
  mock.page.locator(`[data-testid="item-status"][data-status="${name}"]`).waitFor();
const tab = (name) => mock.page.getByTestId(`item-tab-${name}`).click();
const clipboard = () => mock.page.evaluate(() => navigator.clipboard.readText());
const focused = (attribute) =>
  mock.page.evaluate((name) => document.activeElement?.getAttribute(name), attribute);

describe('the item', () => {
  it('opens by its own address and says why it failed', async () => {
    await mock.open({}, '#/item/failed-2');
    const card = mock.page.getByTestId('cause-card');
    await card.getByText('The record was busy').waitFor();
    await card.getByText('UNABLE_TO_LOCK_ROW').waitFor();
    await card.getByText('Nobody has to').waitFor();
    await card.getByText('a retry alone can help').waitFor();
    await becomes(() => mock.page.getByTestId('attempt').count(), 5);
    await becomes(
      () => mock.page.getByTestId('attempt').first().getAttribute('data-outcome'),
      'failed',
    );
  });

  it('names the admin who can fix it', async () => {
    await mock.open({}, '#/item/failed-1');
    const card = mock.page.getByTestId('cause-card');
    await card.getByText('An admin of the target org, northwind-agency').waitFor();
    await card.getByText('not until something is changed').waitFor();
  });

  it('gives the focus back when it closes', async () => {
    await mock.open({}, '#/failed/items');
    await mock.row('failed-4').getByTestId('item-open').click();
    await mock.page.getByTestId('item-status').waitFor();
    await mock.page.keyboard.press('Escape');
    await mock.page.getByTestId('item-drawer').waitFor({ state: 'detached' });
    await becomes(() => focused('data-row-link'), 'failed-4');
  });

  it('says that it does not exist', async () => {
    await mock.open({}, '#/item/nothing');
    await mock.page.getByText('This item does not exist any more.').waitFor();
  });

  it('becomes a page on Enter, and turns over to its neighbours without going back', async () => {
    await mock.open({}, '#/failed/items');
    await mock.row('failed-2').waitFor();
    await mock.page.keyboard.press('j');
    await mock.page.keyboard.press('Enter');
    await status('failed');
    await becomes(() => mock.page.getByTestId('item-position').textContent(), '1 of 12');
    await mock.page.keyboard.press('Enter');
    await mock.page.getByTestId('item-page').waitFor();
    await becomes(() => mock.page.url(), /#\/item\/failed-1\/full$/);
    await mock.page.keyboard.press('j');
    await mock.page.getByTestId('item-position').getByText('2 of 12').waitFor();
    await becomes(() => mock.page.url(), /#\/item\/failed-2\/full$/);
    await mock.page.getByTestId('item-next').click();
    await mock.page.getByTestId('item-position').getByText('3 of 12').waitFor();
    await mock.page.keyboard.press('k');
    await mock.page.getByTestId('item-position').getByText('2 of 12').waitFor();
    await mock.page.keyboard.press('Escape');
    await mock.page.getByTestId('item-page').waitFor({ state: 'detached' });
    await becomes(() => focused('data-row-link'), 'failed-2');
  });

  it('turns over beyond the rows that are loaded', async () => {
    await mock.open({ failed: 150 }, '#/failed/items');
    await mock.row('failed-1').waitFor();
    // What is near the end of what is loaded asks for what comes behind it.
    await goTo(mock.page, '#/item/failed-99');
    await mock.page.getByTestId('item-position').filter({ hasText: '99 of 150' }).waitFor();
    for (const n of [100, 101, 102]) {
      await mock.page.keyboard.press('j');
      await mock.page
        .getByTestId('item-position')
        .filter({ hasText: `${n} of 150` })
        .waitFor();
    }
    await mock.page.keyboard.press('Escape');
    await mock.page.getByTestId('item-drawer').waitFor({ state: 'detached' });
    await mock.page.locator('[data-row-link="failed-102"]:focus').waitFor();
  });

  it('shows as a page what it shows as a drawer, beside each other', async () => {
    await mock.open({}, '#/item/failed-5/full');
    await mock.page.getByTestId('item-page').getByRole('heading', { level: 1 }).waitFor();
    await mock.page.getByTestId('attempt').first().waitFor();
    await mock.page.getByTestId('payload-tree').waitFor();
    await mock.page.getByTestId('item-full').click();
    await mock.page.getByTestId('item-drawer').waitFor();
    await becomes(() => mock.page.url(), /#\/item\/failed-5$/);
  });

  it('shows former cycles as branches, and marks what did not count', async () => {
    await mock.open({}, '#/item/failed-5');
    await mock.page.getByTestId('ladder').getByText('after manual retry 2').waitFor();
    const branches = mock.page.getByTestId('branch');
    await becomes(() => branches.count(), 2);
    await branches.first().getByText('+ 1 not counted').waitFor();
    await branches.last().getByText('then retried by grace').waitFor();
    await becomes(() => mock.page.getByTestId('attempt').count(), 6);
    await mock.page.getByRole('button', { name: 'Show 10 earlier' }).click();
    await becomes(() => mock.page.getByTestId('attempt').count(), 16);
    await mock.page.locator('[data-outcome="rateLimited"]').getByText('not counted').waitFor();
  });

  it('counts down to the next attempt, and sends at once when told so', async () => {
    await mock.open({}, '#/item/retrying-2');
    const next = mock.page.locator('[data-rung="next"]');
    await next.getByText(/in 00:4\d/).waitFor();
    await becomes(() => mock.page.locator('[data-rung="planned"]').count(), 2);
    await mock.page.getByTestId('item-send-now').click();
    await next.getByText('due now').waitFor();
    await tab('history');
    await mock.page.getByTestId('history').getByText('Sent at once').waitFor();
  });

  it('is dismissed, restored and retried, and tells who did it', async () => {
    await mock.open({}, '#/item/failed-41');
    await mock.page.getByTestId('dismissed-card').getByText('Test data, not needed').waitFor();
    await mock.page.getByTestId('item-restore').click();
    await status('failed');
    await mock.page.getByTestId('item-retry').click();
    await status('queued');
    await tab('history');
    const deeds = mock.page.getByTestId('history').getByRole('listitem');
    await becomes(
      () => deeds.evaluateAll((all) => all.map((one) => one.dataset.action ?? '')),
      ['retry', 'restore', ''],
    );
    await deeds.first().getByText('by ada').waitFor();
  });

  for (const [id, reason, button] of [
    ['queued-9', 'no longer works', 'Sign in again'],
    ['retrying-1', 'does not answer', 'Test the org'],
    ['queued-10', 'has to be delivered first', null],
  ]) {
    it(`says why ${id} waits and what ends it`, async () => {
      await mock.open({}, `#/item/${id}`);
      const card = mock.page.getByTestId('held-card');
      await card.getByText(reason).waitFor();
      if (button !== null) await card.getByRole('button', { name: button }).waitFor();
      else await card.getByRole('link').waitFor();
    });
  }
});

describe('the payload', () => {
  beforeEach(async () => {
    await mock.open({}, '#/item/failed-2');
    await status('failed');
    await tab('payload');
  });

  it('shows numbers exactly as they were sent, as a tree and as text', async () => {
    const tree = mock.page.getByTestId('payload-tree');
    await tree.getByText('12345678901234567890').waitFor();
    await tree.getByText('1.10', { exact: true }).waitFor();
    await mock.page.getByTestId('payload-as-text').click();
    const text = await mock.page.getByTestId('payload').textContent();
    assert.match(text, /"estimatedHours": 1\.10,/);
    assert.match(text, /"legacyNumber": 12345678901234567890,/);
  });

  it('is folded and unfolded by keyboard', async () => {
    const tree = mock.page.getByTestId('payload-tree');
    const lines = () => tree.getByRole('treeitem').count();
    const all = await lines();
    await tree.getByRole('treeitem').first().focus();
    await mock.page.keyboard.press('End');
    await mock.page
      .getByRole('treeitem', { name: 'timeLogs' })
      .and(mock.page.locator(':focus'))
      .waitFor();
    await mock.page.keyboard.press('Home');
    await mock.page.keyboard.press('ArrowLeft');
    await becomes(lines, 1);
    await mock.page.keyboard.press('Enter');
    await becomes(lines, all);
    assert.match(mock.page.url(), /#\/item\/failed-2$/, 'Enter in the tree is for the tree');
    await mock.page.getByRole('button', { name: 'Fold all', exact: true }).click();
    await becomes(lines, 5);
    await mock.page.getByRole('button', { name: 'Unfold all' }).click();
    await tree.getByText('so that I can plan the next quarter.').waitFor();
  });

  it('is copied as JSON and as a command without a token', async () => {
    await mock.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await mock.page.getByTestId('copy-json').click();
    await mock.notice('JSON copied');
    await becomes(clipboard, /"legacyNumber": 12345678901234567890,\n/);
    await mock.page.getByTestId('copy-curl').click();
    await mock.notice('curl command copied');
    const command = await clipboard();
    assert.match(command, /Bearer \$TOKEN"/);
    assert.match(
      command,
      /'https:\/\/acme-client\.my\.salesforce\.com\/services\/apexrest\/dlhub\/delivery\/sync'/,
    );
    assert.match(command, /"estimatedHours":1\.10,/);
  });
});

describe('the thread', () => {
  it('is told with the item and leads to its other items', async () => {
    await mock.open({}, '#/item/failed-2');
    await status('failed');
    await tab('thread');
    const items = mock.page.getByTestId('thread-item');
    await items.first().waitFor();
    await becomes(() => items.count(), 5);
    await mock.page.getByText('this item').waitFor();
    await items.first().click();
    await status('retrying');
  });

  it('stays with the record that was picked of several', async () => {
    await mock.open({}, '#/item/failed-4');
    await status('failed');
    await tab('thread');
    const picker = mock.page.getByLabel('Work item', { exact: true });
    await picker.selectOption('WI-2');
    const asked = mock.page.waitForRequest((request) => request.url().includes('externalId=WI-2'));
    mock.server.mock.emit({ items: ['failed-4'], orgs: false, routes: false });
    await asked;
    await becomes(() => picker.inputValue(), 'WI-2');
    await becomes(
      () => mock.page.getByTestId('whole-thread').getAttribute('href'),
      /work-item\/WI-2$/,
    );
  });

  it('is a page with what each org holds', async () => {
    await mock.open({}, '#/item/failed-2');
    await status('failed');
    await tab('thread');
    await mock.page.getByTestId('whole-thread').click();
    await mock.page.getByTestId('thread-page').waitFor();
    await becomes(() => mock.page.getByTestId('version').count(), 5);
    const holding = (name) => mock.page.getByTestId('holding').filter({ hasText: name });
    await holding('northwind-agency').getByText('Up to date').waitFor();
    await holding('acme-client').getByText('On the way').waitFor();
    const found = mock.item('retrying-2');
    Object.assign(found, { status: 'synced', nextAttemptAt: null });
    mock.server.mock.emit({ items: ['retrying-2'], orgs: false, routes: false });
    await holding('acme-client').getByText('Up to date').waitFor();
    await mock.page.getByTestId('version').first().getByTestId('thread-item').press('Enter');
    await status('synced');
    await mock.page.keyboard.press('Escape');
    await mock.page.getByTestId('thread-page').waitFor();
    await becomes(() => focused('data-row-link'), 'retrying-2');
  });

  it('tells the dismissed too, and says so where nothing is known', async () => {
    await mock.open({}, '#/work-item/WI-1080');
    await mock.page.getByTestId('version').first().waitFor();
    await mock.page.getByTestId('thread-item').filter({ hasText: 'Dismissed' }).waitFor();
    await goTo(mock.page, '#/work-item/nothing');
    await mock.page.getByText('Nothing is known of this work item').waitFor();
  });
});

describe('the map', () => {
  beforeEach(async () => {
    await mock.open({}, '#/orgs/map');
    await mock.page.locator('[data-testid="map-line"][aria-label*="6 failed"]').nth(1).waitFor();
  });

  it('says of each route how it is, and the table says the same', async () => {
    const lines = mock.page.getByTestId('map-line');
    await becomes(() => lines.count(), 4);
    const rows = mock.page.getByTestId('route-row');
    for (let index = 0; index < 4; index += 1) {
      const level = await lines.nth(index).getAttribute('data-level');
      const cause = rows.nth(index).locator('[data-level]');
      await becomes(() => cause.getAttribute('data-level'), level);
    }
    const said = await lines.first().getAttribute('aria-label');
    assert.match(said, /^acme-client to northwind-agency: needs a person, \d+ waiting, 6 failed/);
  });

  it('leads by keyboard to exactly what failed on a route', async () => {
    const line = mock.page.getByTestId('map-line').first();
    await line.focus();
    await mock.page.keyboard.press('Enter');
    await mock.page.getByTestId('list-count').filter({ hasText: '6 items' }).waitFor();
    const asked = new URL(mock.page.url().replace('#/', '')).searchParams;
    assert.equal(asked.get('sourceOrgId'), ORGS.client);
    assert.equal(asked.get('targetOrgId'), ORGS.agency);
  });

  it('leads from an org to its card', async () => {
    await mock.page.getByTestId('map-node').filter({ hasText: 'legacy' }).click();
    await mock.page.getByTestId('org-card').waitFor();
    await becomes(() => mock.page.getByTestId('org-card').getAttribute('data-org'), ORGS.legacy);
  });
});

describe('the audit log', () => {
  const rows = () => mock.page.getByTestId('audit-row');

  beforeEach(async () => {
    await mock.open({}, '#/audit');
    await rows().first().waitFor();
  });

  it('is narrowed by what, who, on what and when, and the address keeps it', async () => {
    const all = await rows().count();
    await mock.page.getByLabel('What').selectOption({ label: 'All: Items' });
    await mock.page.locator('[data-action="org.health"]').waitFor({ state: 'detached' });
    await becomes(() => mock.page.url(), /action=item\./);
    await mock.page.reload();
    await rows().first().waitFor();
    const actions = await rows().evaluateAll((found) => found.map((one) => one.dataset.action));
    assert.ok(actions.every((one) => one.startsWith('item.')));
    await mock.page.getByLabel('Who').selectOption({ label: 'ada' });
    await mock.page.getByText('14 items').waitFor({ state: 'detached' });
    await mock.page.getByTestId('audit-clear').click();
    await mock.page.locator('[data-action="org.health"]').waitFor();
    await becomes(() => rows().count(), all);
    await mock.page.getByLabel('On', { exact: true }).fill('failed-41');
    await mock.page.keyboard.press('Enter');
    await rows().nth(1).waitFor({ state: 'detached' });
    await rows().getByText('failed-41').waitFor();
    await mock.page.getByLabel('Until').fill('2001-01-01T00:00');
    await mock.page.getByText('Nothing in the log matches').waitFor();
  });

  it('is saved as a file, as the filter shows it', async () => {
    await mock.page.getByLabel('What').selectOption({ label: 'All: Orgs' });
    const asked = mock.page.waitForRequest((request) =>
      request.url().includes('/activity/export?'),
    );
    const saved = mock.page.waitForEvent('download');
    await mock.page.getByTestId('audit-export-csv').click();
    assert.match((await asked).url(), /action=org\.&format=csv/);
    const download = await saved;
    assert.equal(download.suggestedFilename(), 'sync-monitor-audit.csv');
    assert.match(await readFile(await download.path(), 'utf8'), /org\.connect/);
    await mock.notice('Saved as sync-monitor-audit.csv');
  });

  it('shows what is done while it is open', async () => {
    mock.server.mock.log('relay.pause', null);
    mock.server.mock.emit({ items: [], orgs: true, routes: false });
    await mock.page.locator('[data-action="relay.pause"]').waitFor();
  });
});

describe('accessibility', () => {
  for (const theme of ['Light', 'Dark']) {
    it(`has no finding in any part of the item, ${theme.toLowerCase()}`, async () => {
      await mock.open({}, '#/item/failed-5');
      await chooseTheme(mock.page, theme);
      for (const name of ['attempts', 'payload', 'thread', 'history']) {
        await tab(name);
        await mock.page.locator(`[data-panel="${name}"]`).waitFor();
        await assertAccessible(mock.page, `${theme} ${name}`);
      }
      await tab('payload');
      await mock.page.getByTestId('payload-as-text').click();
      await assertAccessible(mock.page, `${theme} payload as text`);
      await mock.page.getByTestId('item-full').click();
      await mock.page.getByTestId('item-page').waitFor();
      await assertAccessible(mock.page, `${theme} as a page`);
    });
  }
});
