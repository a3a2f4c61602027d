/** What is done with what failed: causes, bulk actions and their runs, queue, activity. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo } from './browser.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages();
const { row, box, notice, count, calls, becomes } = t;
const dialog = (name) => t.page.getByRole('dialog', { name });
const causes = () => t.page.getByTestId('cause');
/** The cause of the records that were busy, of which there are two. */
const busy = () => causes().filter({ hasText: 'The record was busy' }).first();

async function select(...ids) {
  for (const id of ids) await box(id).click();
}

describe('the causes', () => {
  beforeEach(async () => {
    await t.open({}, '#/failed');
    await causes().first().waitFor();
  });

  it('are what Failed opens on, in plain words: what, where, who, whether a retry helps, and the steps', async () => {
    await t.page.getByTestId('causes-count').getByText('10 causes, 12 items').waitFor();
    for (const part of [
      'acme-client',
      'PROD',
      'Nobody has to',
      'A retry alone can help',
      'First seen',
      'Last seen',
      'UNABLE_TO_LOCK_ROW',
    ]) {
      await busy().getByText(part).first().waitFor();
    }
    await busy().getByText('What happened, and what to do').click();
    await busy().getByText('Retry: the lock is usually gone within seconds.').waitFor();
    await assertAccessible(t.page, 'a cause with its steps');
  });

  it('lead to exactly their items', async () => {
    const links = await t.page.getByTestId('cause-items').all();
    for (let i = 0; i < links.length; i += 3) {
      const link = t.page.getByTestId('cause-items').nth(i);
      const n = Number(/\d+/.exec(await link.textContent())?.[0] ?? '1');
      await link.click();
      await count(n === 1 ? '1 item' : `${n} items`);
      await t.page.goBack();
      await causes().first().waitFor();
    }
  });

  it('are retried after a look at what that would do, as they were counted', async () => {
    await busy().getByTestId('cause-retry').click();
    await dialog('Retry 2 items?').waitFor();
    await t.page
      .getByTestId('plan')
      .getByText('2 items will be sent, costing 2 API calls')
      .waitFor();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('2 queued again');
    const { filter } = t.lastBody();
    assert.deepEqual(Object.keys(filter).sort(), ['asOf', 'dismissed', 'failureKey', 'status']);
    await t.page.getByTestId('causes-count').getByText('9 causes, 10 items').waitFor();
  });

  it('are dismissed with a reason', async () => {
    await busy().getByTestId('cause-dismiss').click();
    await dialog('Dismiss 2 items?').waitFor();
    await t.page.getByLabel('Reason', { exact: true }).fill('Known, fixed by hand');
    await t.page.getByTestId('dismiss-confirm').click();
    await notice('2 dismissed');
    await t.page.getByTestId('causes-count').getByText('9 causes, 10 items').waitFor();
  });

  it('are exported as a file', async () => {
    const saved = t.page.waitForEvent('download');
    await busy().getByTestId('cause-export').click();
    const download = await saved;
    assert.match(download.suggestedFilename(), /^sync-monitor-failed-.+\.csv$/);
    const text = await readFile(await download.path(), 'utf8');
    assert.ok(text.startsWith('id,'), text.slice(0, 40));
    assert.equal(text.trim().split('\n').length, 3);
  });

  it('can be gone through, retried and dismissed with the keyboard alone', async () => {
    const focused = () =>
      t.page.evaluate(() => document.activeElement?.closest('article')?.dataset.key);
    const keys = await causes().evaluateAll((all) => all.map((one) => one.dataset.key));
    await t.page.keyboard.press('j');
    await becomes(focused, keys[0]);
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('k');
    await becomes(focused, keys[0]);
    await t.page.keyboard.press('d');
    await dialog(/^Dismiss/).waitFor();
    await t.page.keyboard.press('Escape');
    await dialog(/^Dismiss/).waitFor({ state: 'detached' });
    await becomes(focused, keys[0]);
    await t.page.keyboard.press('r');
    await dialog(/^Retry/).waitFor();
    await t.page.getByTestId('bulk-confirm').press('Enter');
    await notice('queued again');
    // The keyboard goes on from the cause in its place.
    await t.page.locator(`article[data-key="${keys[1]}"] :focus`).waitFor();
    await t.page.keyboard.press('Enter');
    await count('\\d+ items?');
  });

  it('follow the org that everything is narrowed to', async () => {
    await goTo(t.page, '#/failed/causes?targetOrgId=00D3h000002CCCCEAU');
    await t.page.getByText('There are 10 causes in other orgs.').waitFor();
    await t.page.getByRole('button', { name: 'Show all orgs' }).click();
    await t.page.getByTestId('causes-count').getByText('10 causes').waitFor();
  });

  it('stay where they are while somebody is about to click', async () => {
    await causes().nth(1).hover();
    const before = await causes().nth(1).getAttribute('data-key');
    const like = t.item('failed-1');
    const lastError = { httpStatus: 413, errorCode: null, message: 'Too large' };
    const at = new Date().toISOString();
    t.server.mock.items.unshift({
      ...like,
      id: 'new-1',
      failureKey: 'new',
      lastError,
      updatedAt: at,
    });
    let read = false;
    t.page.on('response', (response) => (read ||= response.url().endsWith('/failures')));
    t.server.mock.emit({ items: ['new-1'], orgs: false, routes: false });
    // The pointer is kept moving, as a hand does.
    for (let y = 420; !read; y = y === 420 ? 430 : 420) await t.page.mouse.move(400, y);
    assert.equal(await causes().nth(1).getAttribute('data-key'), before);
    await t.page.mouse.move(5, 5);
    await t.page.locator('article[data-key="new"]').waitFor();
  });

  it('tell a list that could not be read from one without causes', async () => {
    t.server.mock.problems.set('GET /failures', {
      status: 500,
      code: 'SERVER_ERROR',
      detail: '',
      always: true,
    });
    await t.page.reload();
    await t.page.getByText('The causes could not be loaded').waitFor();
    t.server.mock.problems.clear();
    // They come by themselves; whoever cannot wait has a button.
    await causes().first().waitFor();
    t.server.mock.items = t.server.mock.items.filter((item) => item.status !== 'failed');
    t.server.mock.emit({ items: null, orgs: false, routes: false });
    await t.page.getByText('Nothing has failed').waitFor();
  });
});

describe('a bulk action', () => {
  beforeEach(async () => {
    await t.open({}, '#/failed/items');
    await row('failed-1').waitFor();
  });

  it('of one item asks nothing', async () => {
    await row('failed-2').locator('[data-part="retry"]').click();
    await notice('1 queued again');
    assert.equal(calls('POST /items/preflight'), 0);
    await row('failed-2').waitFor({ state: 'detached' });
  });

  it('says first what will be sent, what not and why, what it costs, and which orgs are production', async () => {
    t.item('failed-1').superseded = true;
    Object.assign(t.item('failed-2'), { targetOrgId: '00D3h000002CCCCEAU' });
    t.server.mock.orgs[0].apiUsage = { used: 14_999, max: 15_000 };
    await select('failed-1', 'failed-2', 'failed-3', 'failed-4', 'failed-6');
    t.item('failed-3').status = 'synced';
    await t.page.getByTestId('bulk-retry').click();
    await dialog('Retry 5 items?').waitFor();
    const plan = t.page.getByTestId('plan');
    for (const sentence of [
      '2 items will be sent, costing 2 API calls',
      '1 item will wait: The sign-in to the target org no longer works.',
      '1 item is superseded by a newer change and not sent',
      '1 item is not failed and left alone',
    ]) {
      await plan.getByText(sentence).waitFor();
    }
    const orgs = await t.page.getByTestId('plan-org').allInnerTexts();
    assert.equal(orgs.length, 3);
    assert.match(orgs[0], /acme-client\s*PROD.*2.*ready.*2 of 1 left.*more than are left/s);
    await t.page.getByText('3 of them are production orgs.').waitFor();
    await assertAccessible(t.page, 'retry dialog');
    assert.equal(calls('POST /items/retry'), 0);
    await t.page.keyboard.press('Escape');
    await t.page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(calls('POST /items/retry'), 0);
  });

  it('does not go on when it cannot say what it would do', async () => {
    t.server.mock.problems.set('POST /items/preflight', {
      status: 503,
      code: 'STORE_BUSY',
      detail: 'The store is locked.',
    });
    await select('failed-1', 'failed-2');
    await t.page.getByTestId('bulk-retry').click();
    await t.page
      .getByText('What would happen could not be found out: The store is locked.')
      .waitFor();
    await becomes(() => t.page.getByTestId('bulk-confirm').isDisabled(), true);
    await dialog('Retry 2 items?').getByRole('button', { name: 'Try again' }).click();
    await t.page.getByTestId('plan').getByText('2 items will be sent').waitFor();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('2 queued again');
  });

  it('is not offered where nothing would be sent', async () => {
    await select('failed-1', 'failed-2');
    for (const id of ['failed-1', 'failed-2']) t.item(id).status = 'synced';
    await t.page.getByTestId('bulk-retry').click();
    await t.page.getByTestId('plan').getByText('Nothing would be sent.').waitFor();
    await becomes(() => t.page.getByTestId('bulk-confirm').isDisabled(), true);
  });

  it('says what was done and what was refused, by item, and keeps it as a run', async () => {
    await select('failed-1', 'failed-2', 'failed-3');
    await t.page.getByTestId('bulk-retry').click();
    await t.page.getByTestId('plan').getByText('3 items').waitFor();
    // Synced behind the page's back: the plan no longer holds.
    t.item('failed-2').status = 'synced';
    await t.page.getByTestId('bulk-confirm').click();
    await notice('2 queued again, 1 refused: it is synced');
    await t.page.getByText('Reasons by item').click();
    const refused = t.page.getByTestId('notice').getByRole('listitem');
    await becomes(() => refused.textContent(), 'Fix rounding of invoice totals: it is synced');
    await assertAccessible(t.page, 'refused by item');
    await t.page.getByText('See the run').click();
    await t.page.getByRole('heading', { name: 'Retry of 3 items' }).waitFor();
    for (const [part, n] of [
      ['run-done', '2'],
      ['run-refused', '1'],
    ]) {
      await t.page.getByTestId(part).getByText(n, { exact: true }).waitFor();
    }
    await becomes(
      () => t.page.getByTestId('refusal').innerText(),
      /Fix rounding.*WI-1041.*it is synced/s,
    );
    await assertAccessible(t.page, 'a run');
  });

  it('of everything that matches can be undone for ten seconds when it is a dismissal', async () => {
    await t.page.getByTestId('search').fill('rounding');
    await count('2 items');
    await t.page.getByRole('checkbox', { name: 'Select all loaded rows' }).click();
    await t.page.getByTestId('bulk-dismiss').click();
    await dialog('Dismiss 2 items?').waitFor();
    await t.page.getByTestId('plan').getByText('2 items will be dismissed').waitFor();
    await t.page.getByTestId('dismiss-confirm').click();
    await t.page.getByText('Please give a reason').waitFor();
    await t.page.getByLabel('Reason', { exact: true }).fill('Not needed any more');
    await assertAccessible(t.page, 'dismiss dialog');
    await t.page.getByTestId('dismiss-confirm').click();
    await notice('2 dismissed');
    await t.page.getByText('Nothing matches the filter').waitFor();
    await t.page.getByTestId('notice-action').getByText('Undo').click();
    await notice('2 restored');
    await count('2 items');
    assert.equal(t.item('failed-2').dismissedAt, null);
  });

  it('offers the reasons of lately again', async () => {
    await row('failed-3').locator('[data-part="dismiss"]').click();
    await t.page.getByLabel('Reason', { exact: true }).fill('Not needed any more');
    await t.page.getByTestId('dismiss-confirm').click();
    await notice('1 dismissed');
    await row('failed-4').locator('[data-part="dismiss"]').click();
    await t.page.getByRole('group', { name: 'Recent reasons' }).getByRole('button').click();
    await becomes(
      () => t.page.getByLabel('Reason', { exact: true }).inputValue(),
      'Not needed any more',
    );
    await t.page.getByTestId('dismiss-confirm').click();
    await row('failed-4').waitFor({ state: 'detached' });
    await t.page.getByTestId('tab-dismissed').click();
    await row('failed-4').locator('[data-part="restore"]').click();
    await notice('1 restored');
    await row('failed-4').waitFor({ state: 'detached' });
  });

  it('can be done with everything that matches, from the button beside the list', async () => {
    await t.page.getByTestId('retry-all').getByText('Retry all 12 matching').click();
    await t.page.getByTestId('plan').getByText('12 items will be sent').waitFor();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('12 queued again');
    await t.page.getByText('Nothing has failed').waitFor();
    await becomes(() => t.page.title(), 'Sync Monitor');
  });

  it('can be done with the keyboard alone', async () => {
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('x');
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('x');
    await t.page.keyboard.press('r');
    await dialog('Retry 2 items?').waitFor();
    await t.page.getByTestId('plan').getByText('2 items will be sent').waitFor();
    // The table, then the buttons.
    const focused = () => t.page.evaluate(() => document.activeElement.dataset.testid);
    while ((await focused()) !== 'bulk-confirm') await t.page.keyboard.press('Tab');
    await t.page.keyboard.press('Enter');
    await notice('2 queued again');
    await row('failed-3').locator(':focus').waitFor();
  });
});

describe('a run', () => {
  beforeEach(async () => {
    await t.open({}, '#/failed/items');
    await row('failed-1').waitFor();
    await select('failed-1', 'failed-2', 'failed-4');
    await t.page.getByTestId('bulk-retry').click();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('3 queued again');
    await t.page.getByText('See the run').click();
    await t.page.getByRole('heading', { name: 'Retry of 3 items' }).waitFor();
  });
  const standing = (status) =>
    t.page.getByTestId('run-now').locator(`[data-status="${status}"]`).first();

  it('tells live what became of its items, and leads to exactly them', async () => {
    await standing('queued').getByText('3', { exact: true }).waitFor();
    t.item('failed-1').status = 'synced';
    t.item('failed-2').status = 'failed';
    t.server.mock.emit({ items: ['failed-1', 'failed-2'], orgs: false, routes: false });
    await standing('synced').getByText('1', { exact: true }).waitFor();
    await standing('queued').getByText('1', { exact: true }).waitFor();
    await t.page.getByTestId('run-items').click();
    await count('3 items');
    await t.page.getByText('Only what a bulk run changed').waitFor();
    await t.page.goBack();
    await standing('synced').click();
    await count('1 item');
    await row('failed-1').waitFor();
  });

  it('offers to retry what failed again', async () => {
    for (const id of ['failed-1', 'failed-2']) t.item(id).status = 'failed';
    t.server.mock.emit({ items: ['failed-1', 'failed-2'], orgs: false, routes: false });
    await t.page.getByTestId('run-retry').getByText('Retry the 2 that failed').click();
    await t.page.getByTestId('plan').getByText('2 items will be sent').waitFor();
    await t.page.getByTestId('bulk-confirm').click();
    await notice('2 queued again');
    await standing('queued').getByText('3', { exact: true }).waitFor();
  });

  it('is in the list of all runs, the last first', async () => {
    await t.page.getByText('All bulk runs').click();
    await t.page.getByTestId('runs-count').getByText('1 run').waitFor();
    await assertAccessible(t.page, 'bulk runs');
    await t.page.getByTestId('run-row').getByRole('link').click();
    await t.page.getByRole('heading', { name: 'Retry of 3 items' }).waitFor();
  });

  it('that does not exist says so', async () => {
    await goTo(t.page, '#/runs/nothing');
    await t.page.getByText('This run does not exist').waitFor();
  });
});

describe('the queue', () => {
  it('counts down to the next attempt, and never below nothing', async () => {
    await t.open({}, '#/queue/retrying');
    await row('retrying-2').getByRole('timer').waitFor();
    await becomes(() => row('retrying-2').getByRole('timer').innerText(), /^00:\d\d$/);
    await row('retrying-1').getByText('due, waiting for network').waitFor();
    t.item('retrying-2').nextAttemptAt = new Date(Date.now() - 60_000).toISOString();
    t.server.mock.emit({ items: ['retrying-2'], orgs: false, routes: false });
    await row('retrying-2').getByText('due now').waitFor();
  });

  it('sends now what would be tried later, one without a question, many after a yes', async () => {
    await t.open({}, '#/queue/retrying');
    await row('retrying-4').locator('[data-part="send"]').click();
    await notice('1 due now');
    await row('retrying-4').getByText('due now').waitFor();
    await t.page.mouse.move(5, 5);
    await t.page.getByTestId('send-all').click();
    await dialog('Send 3 items now?').waitFor();
    await t.page.getByTestId('plan-org').first().waitFor();
    await assertAccessible(t.page, 'send now dialog');
    await t.page.getByTestId('bulk-confirm').click();
    await notice('3 due now');
  });

  it('is held by the route or by the org after a question, and released where it is held', async () => {
    await t.open({}, '#/queue/retrying');
    await row('retrying-4').locator('[data-part="hold"]').click();
    await dialog('What is to be held?').waitFor();
    const ways = await t.page.getByTestId('hold-way').allInnerTexts();
    assert.match(ways[0], /^What goes from \S+ to \S+\s+\d+ items? waits? now$/s);
    assert.match(ways[1], /^Everything that goes to \S+\s+\d+ items? waits? now$/s);
    await assertAccessible(t.page, 'hold dialog');
    await t.page.getByTestId('hold-confirm').click();
    await notice('What goes from');
    await dialog('What is to be held?').waitFor({ state: 'detached' });
    await t.page.mouse.move(5, 5);
    await row('retrying-4').getByText('Route paused').waitFor();
    await t.page.getByTestId('notice-action').getByText('Undo').click();
    await notice('goes on');
    await row('retrying-4').getByText('Route paused').waitFor({ state: 'detached' });

    await row('retrying-4').locator('[data-part="hold"]').press('Enter');
    await dialog('What is to be held?').waitFor();
    await t.page.keyboard.press('ArrowDown');
    await t.page.keyboard.press('Enter');
    await notice('Everything that goes to');
    await row('retrying-4').getByText('Org paused').waitFor();
    await goTo(t.page, '#/queue/held');
    await row('retrying-4').waitFor();
    await row('retrying-4').locator('[data-part="release"]').press('Enter');
    await notice('goes on');
    await row('retrying-4').waitFor({ state: 'detached' });
  });

  it('says of what is held why, and leads there', async () => {
    await t.open({}, '#/queue/held');
    await row('queued-10').getByText('Older change goes first').waitFor();
    await becomes(
      () => row('queued-10').getByTestId('held-reason').getAttribute('href'),
      /^#\/work-item\/WI-/,
    );
    const reason = row('queued-9').getByTestId('held-reason');
    await becomes(() => reason.innerText(), 'Sign-in required');
    await reason.click();
    await t.page.getByTestId('org-card').filter({ hasText: 'legacy' }).waitFor();
    await becomes(() => t.page.getByTestId('org-card').count(), 1);
  });
});

describe('activity', () => {
  it('counts echoes and says where they are', async () => {
    await t.open({}, '#/activity');
    await t.page.getByTestId('echoes').getByText('68 echoes were suppressed on purpose.').waitFor();
    await t.page.getByText('Echoes in the audit log').click();
    await t.page.waitForURL(/#\/audit\?action=echo\.suppress/);
  });

  it('by work item leads to the thread of each', async () => {
    await t.open({}, '#/activity/work-items');
    const rows = t.page.getByTestId('work-item-row');
    await rows.first().waitFor();
    await t.page.keyboard.press('j');
    await t.page.keyboard.press('ArrowDown');
    const name = await rows.nth(1).locator('[data-row-link]').getAttribute('data-row-link');
    await t.page.locator(`[data-row-link="${name}"]:focus`).waitFor();
    await t.page.keyboard.press('Enter');
    await t.page.waitForURL((url) => url.hash === `#/work-item/${encodeURIComponent(name)}`);
    await t.page.goBack();
    await t.page.getByTestId('search').fill('rounding');
    await t.page
      .getByTestId('list-count')
      .getByText(/^\d+ work items$/)
      .waitFor();
    await becomes(
      async () => (await rows.allInnerTexts()).every((text) => text.includes('rounding')),
      true,
    );
    await t.page.getByTestId('search').fill('no such thing');
    await t.page.getByText('Nothing matches the filter').waitFor();
  });
});

describe('accessibility', () => {
  it('has no finding in the list of runs, dark', async () => {
    await t.open({}, '#/failed/items');
    await chooseTheme(t.page, 'Dark');
    await row('failed-1').locator('[data-part="retry"]').click();
    await notice('1 queued again');
    await goTo(t.page, '#/runs');
    await t.page.getByTestId('run-row').waitFor();
    await assertAccessible(t.page, 'bulk runs, dark');
  });
});
