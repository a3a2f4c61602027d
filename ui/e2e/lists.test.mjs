/** Lists of items: what they show, how they move, and what is selected in them. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, goTo } from './browser.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages();
const { row, box, notice, count, calls, focusedRow, becomes } = t;
const scroller = () => t.page.locator('[data-scroller]');
/** A failed item like the newest, under another name and failed later. */
function fail(id, more = {}) {
  const { mock } = t.server;
  const at = new Date().toISOString();
  const like = mock.items.find((item) => item.status === 'failed');
  mock.items.unshift({ ...like, id, createdAt: at, updatedAt: at, ...more });
  mock.emit({ items: [id], orgs: false, routes: false });
}

describe('a list', () => {
  beforeEach(async () => {
    await t.open({}, '#/failed/items');
    // A key press waits for nothing: without this it may come before the rows.
    await row('failed-1').waitFor();
  });

  it('has the rows and columns of a grid, and says how many there are in all', async () => {
    const grid = t.page.getByRole('grid', { name: 'Failed, Items' });
    await becomes(() => grid.getAttribute('aria-rowcount'), '13');
    await becomes(() => row('failed-1').getAttribute('aria-rowindex'), '2');
    const heads = await grid.getByRole('columnheader').allInnerTexts();
    assert.deepEqual(
      heads.map((text) => text.trim()).filter((text) => text !== ''),
      [
        'Status',
        'Work item',
        'Operation',
        'Source → Target',
        'Attempt',
        'Last result',
        'Updated',
        'Actions',
      ],
    );
    const cells = await row('failed-1').getByRole('gridcell').allInnerTexts();
    assert.match(cells.join(' '), /Failed.*Add revenue report.*WI-1040.*Upsert.*PROD.*400/s);
    await count('12 items');
  });

  it('moves nothing while somebody is about to click, and says what waits', async () => {
    await row('failed-2').hover();
    const before = await row('failed-2').boundingBox();
    fail('new-1');
    const paused = t.page.getByTestId('updates-paused').getByText('Updates paused, 1 new');
    // The pointer is kept moving, as a hand does.
    for (let x = 300; !(await paused.isVisible()); x = x === 300 ? 310 : 300) {
      await t.page.mouse.move(before.x + x, before.y + 10);
    }
    assert.equal((await row('failed-2').boundingBox()).y, before.y);
    await t.page.mouse.move(5, 5);
    await row('new-1').waitFor();
  });

  it('pauses while rows are selected, and shows what waits on a click', async () => {
    await box('failed-2').click();
    await box('failed-4').click();
    fail('new-1');
    fail('new-2');
    t.item('failed-3').status = 'synced';
    t.item('failed-4').status = 'synced';
    t.server.mock.emit({ items: ['failed-3', 'failed-4'], orgs: false, routes: false });
    const paused = t.page.getByTestId('updates-paused');
    await paused.getByText('Updates paused, 2 new, 2 no longer in this list').waitFor();
    await row('failed-3').getByText('No longer in this list').waitFor();
    await assertAccessible(t.page, 'updates paused');
    await paused.getByRole('button', { name: 'Show now' }).click();
    await row('new-1').waitFor();
    await row('failed-3').waitFor({ state: 'detached' });
    await t.page.getByText('1 selected').waitFor();
    await becomes(() => box('failed-2').isChecked(), true);
  });

  it('leaves single letters alone when they are switched off', async () => {
    await t.page.keyboard.press('?');
    await t.page.getByRole('checkbox', { name: 'Single-letter shortcuts are on' }).uncheck();
    await t.page.keyboard.press('Escape');
    await t.page.getByRole('dialog').waitFor({ state: 'detached' });
    await t.page.reload();
    await row('failed-1').waitFor();
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('g');
    await t.page.keyboard.press('o');
    await t.page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await t.page.getByRole('dialog').waitFor();
    assert.equal(await t.page.locator('[data-row].active').count(), 0);
    assert.match(t.page.url(), /#\/failed\/items$/);
  });

  it('says how many rows there are to those who do not see it', async () => {
    const said = t.page.getByTestId('announcer');
    await said.getByText('Failed, Items: 12 items').waitFor();
    await t.page.getByTestId('tab-dismissed').click();
    await said.getByText('Failed, Dismissed: 1 item').waitFor();
  });
});

describe('a list that is longer than the window', () => {
  beforeEach(async () => {
    const viewport = { width: 1280, height: 560 };
    await t.open({}, '#/failed/items', { context: { viewport } });
    await row('failed-1').waitFor();
  });

  it('keeps what is selected and where it was scrolled to when something changes', async () => {
    await box('failed-4').click();
    await t.page.getByText('1 selected').waitFor();
    await scroller().evaluate((element) => element.scrollTo(0, 100));
    t.item('failed-10').title = 'Changed meanwhile';
    t.server.mock.emit({ items: ['failed-10'], orgs: false, routes: false });
    await row('failed-10').getByText('Changed meanwhile').waitFor();
    await becomes(() => box('failed-4').isChecked(), true);
    assert.equal(await scroller().evaluate((element) => element.scrollTop), 100);
  });

  it('holds what is read in its place while rows come in above it', async () => {
    await scroller().evaluate((element) => element.scrollTo(0, 160));
    const before = await row('failed-6').boundingBox();
    fail('new-1');
    fail('new-2');
    await count('14 items');
    await t.page.getByTestId('new-above').getByText('2 new above').waitFor();
    assert.equal((await row('failed-6').boundingBox()).y, before.y);
    await t.page.getByTestId('new-above').click();
    await row('new-2').waitFor();
    fail('new-3');
    await count('15 items');
    await becomes(() => scroller().evaluate((element) => element.scrollTop), 0);
  });
});

describe('a selection', () => {
  beforeEach(async () => {
    await t.open({ failed: 250 }, '#/failed/items');
    await row('failed-1').waitFor();
  });

  it('grows by a range with shift, and to all loaded rows with the box in the head', async () => {
    await box('failed-2').click();
    await box('failed-5').click({ modifiers: ['Shift'] });
    await t.page.getByText('4 selected').waitFor();
    await t.page.getByRole('checkbox', { name: 'Select all loaded rows' }).click();
    await t.page.getByText('250 selected').waitFor();
    await t.page.getByRole('button', { name: 'Clear selection' }).click();
    await t.page.getByTestId('bulk-retry').waitFor({ state: 'detached' });
  });

  it('can mean everything that matches, as the list stands, and nothing that fails later', async () => {
    await t.page.context().close();
    await t.server.cut();
    await t.open({ failed: 1284 }, '#/failed/items');
    await row('failed-1').waitFor();
    await count('1,284 items');
    await t.page.getByRole('checkbox', { name: 'Select all loaded rows' }).click();
    await t.page.getByTestId('select-matching').getByText('Select all 1,284 matching').click();
    await t.page.getByText('All 1,284 matching this filter are selected').waitFor();
    fail('too-late');
    await t.page.getByTestId('updates-paused').getByText('1 new').waitFor();
    await t.page.getByTestId('bulk-retry').click();
    await t.page.getByTestId('plan').getByText('1,284 items will be sent').waitFor();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('1,284 queued again');
    const { filter } = t.lastBody();
    assert.equal(filter.status, 'failed');
    assert.ok(filter.asOf < t.item('too-late').updatedAt);
    assert.equal(t.item('too-late').status, 'failed');
    await count('1 item');
  });

  it('becomes the loaded rows without the one that is taken out of everything', async () => {
    await t.page.getByRole('checkbox', { name: 'Select all loaded rows' }).click();
    await t.page.getByText('250 selected').waitFor();
    await box('failed-3').click();
    await t.page.getByText('249 selected').waitFor();
  });
});

describe('the keyboard in a list', () => {
  beforeEach(async () => {
    await t.open({ failed: 60 }, '#/failed/items');
    await row('failed-1').waitFor();
  });

  it('is in one row at a time, which Tab leads into and out of', async () => {
    await t.page.getByTestId('retry-all').focus();
    // The head's own parts come first.
    await t.page.keyboard.press('Tab');
    await t.page.keyboard.press('Tab');
    await t.page.keyboard.press('Tab');
    await becomes(focusedRow, 'failed-1');
    await t.page.keyboard.press('ArrowRight');
    const part = () => t.page.evaluate(() => document.activeElement.dataset.part);
    await becomes(part, 'link');
    await t.page.keyboard.press('ArrowDown');
    await becomes(focusedRow, 'failed-2');
    await becomes(part, 'link');
    for (const expected of ['retry', 'dismiss']) {
      await t.page.keyboard.press('Tab');
      assert.deepEqual([await part(), await focusedRow()], [expected, 'failed-2']);
    }
    await t.page.keyboard.press('Tab');
    await becomes(focusedRow, undefined);
  });

  it('goes to rows that are far out of sight, and keeps its own in the page', async () => {
    await t.page.keyboard.press('j');
    await becomes(focusedRow, 'failed-1');
    await t.page.keyboard.press('End');
    await row('failed-60').locator(':focus').waitFor();
    await scroller().evaluate((element) => element.scrollTo(0, 0));
    await row('failed-1').waitFor();
    assert.equal(await focusedRow(), 'failed-60');
    await t.page.keyboard.press('k');
    await row('failed-59').locator(':focus').waitFor();
    await t.page.keyboard.press('PageUp');
    await t.page.keyboard.press('Home');
    await row('failed-1').locator(':focus').waitFor();
  });

  it('selects, opens, retries, dismisses and copies', async () => {
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('x');
    await becomes(() => box('failed-2').isChecked(), true);
    await t.page.keyboard.press('x');
    await t.page.keyboard.press('Enter');
    await t.page.getByTestId('item-drawer').waitFor();
    await t.page.keyboard.press('Escape');
    await row('failed-2').locator(':focus').waitFor();
    await t.page.keyboard.press('r');
    await notice('1 queued again');
    // The keyboard goes on from the row in its place.
    await row('failed-3').locator(':focus').waitFor();
    await t.page.keyboard.press('d');
    await t.page.getByRole('dialog', { name: 'Dismiss 1 item?' }).waitFor();
    await t.page.keyboard.type('Not needed any more');
    await t.page.getByTestId('dismiss-confirm').press('Enter');
    await notice('1 dismissed');
    await row('failed-4').locator(':focus').waitFor();
  });

  it('retries one row for a key that is held down', async () => {
    await t.page.keyboard.press('j');
    await t.page.keyboard.down('r');
    await row('failed-1').waitFor({ state: 'detached' });
    // A second down of a key that is not up is a repeat, as a keyboard sends it.
    for (let i = 0; i < 5; i += 1) await t.page.keyboard.down('r');
    await t.page.keyboard.up('r');
    await t.page.keyboard.press('?');
    await t.page.getByRole('dialog').waitFor();
    assert.equal(calls('POST /items/retry'), 1);
  });
});

describe('a click', () => {
  beforeEach(async () => {
    await t.open({}, '#/failed/items');
    await row('failed-1').waitFor();
  });

  it('retries each of two rows whose buttons are pressed at the same time, once', async () => {
    await t.page.evaluate(() => {
      for (const id of ['failed-1', 'failed-2']) {
        const button = document.querySelector(`[data-id="${id}"] [data-part="retry"]`);
        button.click();
        button.click();
      }
    });
    await row('failed-1').waitFor({ state: 'detached' });
    await row('failed-2').waitFor({ state: 'detached' });
    assert.equal(calls('POST /items/retry'), 2);
  });

  it('never retries the row that comes into the place of another, as the second half of a double click', async () => {
    const { x, y } = await row('failed-3').locator('[data-part="retry"]').boundingBox();
    await t.page.mouse.move(x + 10, y + 10);
    await t.page.mouse.down();
    await t.page.mouse.up();
    await row('failed-3').waitFor({ state: 'detached' });
    await t.page.mouse.down({ clickCount: 2 });
    await t.page.mouse.up({ clickCount: 2 });
    await t.page.keyboard.press('?');
    await t.page.getByRole('dialog').waitFor();
    assert.equal(calls('POST /items/retry'), 1);
  });

  it('on a button puts the keyboard on the next row when its own leaves', async () => {
    await row('failed-3').locator('[data-part="retry"]').click();
    await row('failed-3').waitFor({ state: 'detached' });
    await row('failed-4').locator(':focus').waitFor();
  });
});

describe('a filter', () => {
  const events = () => t.open({}, '#/activity/events');

  it('is in the address, survives a reload, and is cleared at once', async () => {
    await events();
    await count('153 items');
    await t.page.getByRole('button', { name: 'Synced' }).click();
    await count('130 items');
    await t.page.getByLabel('Target org').selectOption({ label: 'To acme-client PROD' });
    await count('65 items');
    await t.page.getByLabel('Source org').selectOption({ label: 'From northwind-agency PROD' });
    await count('65 items');
    await becomes(() => t.page.url(), /status=synced/);
    await becomes(() => t.page.url(), /targetOrgId=00D5e000000AAAAEA4/);
    await t.page.reload();
    await count('65 items');
    await becomes(
      () => t.page.getByRole('button', { name: 'Synced' }).getAttribute('aria-pressed'),
      'true',
    );
    await t.page.getByTestId('search').fill('revenue');
    await count('0 items');
    await t.page.getByText('Nothing matches the filter').waitFor();
    await assertAccessible(t.page, 'nothing matches');
    await t.page.getByRole('main').getByRole('button', { name: 'Clear the filter' }).last().click();
    await count('153 items');
  });

  it('narrows by time', async () => {
    await events();
    const received = t.page.getByRole('combobox', { name: 'Received' });
    const sinces = new Set();
    for (const span of ['hour', 'week']) {
      await received.selectOption(span);
      await t.page.waitForFunction(
        (known) => {
          const since = new URLSearchParams(location.hash.split('?')[1]).get('since');
          return since !== null && !known.includes(since);
        },
        [...sinces],
      );
      const since = new URLSearchParams(t.page.url().split('?')[1]).get('since');
      sinces.add(since);
      await count(`${t.server.mock.matching({ since }).length} items?`);
    }
    await t.page.getByLabel('Received before').fill('2020-01-01T00:00');
    await t.page.getByText('Nothing matches the filter').waitFor();
    await becomes(() => t.page.url(), /until=20(19|20)-/);
  });

  it('narrows failures to one cause', async () => {
    await t.open({}, '#/failed/items');
    await row('failed-1').waitFor();
    const cause = t.page.getByTestId('list-cause');
    await cause.selectOption({ index: 1 });
    const said = await cause.locator('option:checked').textContent();
    const n = Number(/\((\d+)\)$/.exec(said)[1]);
    await count(n === 1 ? '1 item' : `${n} items`);
  });

  it('stays while an item lies over the list', async () => {
    await t.open({}, '#/failed/items?q=rounding');
    await count('2 items');
    await row('failed-2').getByTestId('item-open').click();
    await t.page.getByTestId('item-drawer').waitFor();
    await t.page.keyboard.press('Escape');
    await t.page.getByTestId('item-drawer').waitFor({ state: 'detached' });
    await becomes(() => t.page.url(), /#\/failed\/items\?q=rounding$/);
    assert.equal(calls('GET /items') < 4, true);
  });
});

describe('an order', () => {
  it('is chosen by a column’s head and told to those who do not see it', async () => {
    await t.open({}, '#/failed/items');
    await row('failed-1').waitFor();
    const updated = t.page.getByRole('columnheader', { name: 'Updated' });
    await becomes(() => updated.getAttribute('aria-sort'), 'descending');
    await updated.getByRole('button').click();
    await t.page.locator('[data-row]').first().and(row('failed-12')).waitFor();
    await becomes(() => updated.getAttribute('aria-sort'), 'ascending');
    await becomes(() => t.page.url(), /sort=updatedAt/);
  });

  it('of what waits is the soonest first', async () => {
    await t.open({}, '#/queue/retrying');
    const next = t.page.getByRole('columnheader', { name: 'Next retry' });
    await next.waitFor();
    await becomes(() => next.getAttribute('aria-sort'), 'ascending');
  });
});

describe('a long list', () => {
  it('loads as it is scrolled, and says so when a page does not come', async () => {
    await t.open({ failed: 3000 }, '#/failed/items');
    await row('failed-1').waitFor();
    await count('3,000 items');
    // Not one that the page takes for trouble of the program's and asks again after by itself.
    t.server.mock.problems.set('GET /items', { status: 400, code: 'INVALID_QUERY', detail: 'no' });
    await scroller().evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await t.page.getByText('The next rows could not be loaded').waitFor();
    await t.page.getByRole('button', { name: 'Try again' }).click();
    const height = () => scroller().evaluate((element) => element.scrollHeight);
    while ((await height()) < 3000 * 46) {
      await scroller().evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await t.page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await scroller().evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await row('failed-3000').waitFor();
    await becomes(() => row('failed-3000').getAttribute('aria-rowindex'), '3001');
    // However many are loaded, the page holds those in sight.
    assert.ok((await t.page.locator('[data-row]').count()) < 60);
  });
});

describe('an empty list', () => {
  it('says that nothing has happened yet', async () => {
    await t.open({ connected: false }, '#/failed/items');
    await t.page.getByText('Nothing here yet').waitFor();
  });

  it('says that all is healthy', async () => {
    await t.open({ failed: 0 }, '#/failed/items');
    await t.page.getByText('Nothing has failed').waitFor();
  });

  it('says that it could not be loaded, and why', async () => {
    await t.open({}, '#/overview');
    await t.page.getByTestId('headline').waitFor();
    const why = {
      status: 400,
      code: 'INVALID_QUERY',
      detail: 'since cannot be used',
      always: true,
    };
    t.server.mock.problems.set('GET /items', why);
    await goTo(t.page, '#/failed/items?since=2020-01-01T00:00:00.000Z');
    await t.page.getByText('The list could not be loaded').waitFor();
    await t.page.getByText('since cannot be used').waitFor();
    await assertAccessible(t.page, 'could not be loaded');
    t.server.mock.problems.clear();
    await t.page.getByRole('button', { name: 'Try again' }).click();
    await row('failed-1').waitFor();
  });
});
