/**
 * Journeys of an admin through the real program. `SYNC_MONITOR_OPEN_URL` is a
 * fresh one-time link to it, which these journeys use up; the program must be a
 * fresh demo: four items have failed there, and the causes of three were mended.
 * Where `SYNC_MONITOR_PICTURES` names a folder, a picture of every screen is left
 * there, in light and dark.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, becomes, chooseTheme, goTo, launch, SCREENS } from './browser.mjs';

const OPEN_URL = process.env.SYNC_MONITOR_OPEN_URL;
const PICTURES = process.env.SYNC_MONITOR_PICTURES;
const PATIENCE_MS = 30_000;
const SIZE = { width: 1280, height: 800 };

/** The records of the demo whose validation rule was mended right after it refused them. */
const MENDED = ['WI-005', 'WI-007', 'WI-008'];
/** The record of the demo that its target refuses again and again. */
const REFUSED = 'WI-103';

describe('journeys through the program', () => {
  let browser;
  let page;

  /** Asks the API as the page does. */
  const ask = (path, method = 'GET', body = undefined) =>
    page.evaluate(
      async ([address, verb, text]) => {
        const response = await fetch(`/api/v1${address}`, {
          method: verb,
          headers: { 'X-Sync-Monitor': '1', 'Content-Type': 'application/json' },
          body: text,
        });
        return response.json();
      },
      [path, method, body === undefined ? undefined : JSON.stringify(body)],
    );

  /** Waits until the API's answer is as wanted. The page asks for the status after each change: then it may be. */
  async function until(path, wanted) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      assert.ok(Date.now() < deadline, `${path} did not come to be as wanted`);
      const change = page.waitForResponse((response) => response.url().endsWith('/status'));
      // Nobody waits for it any more once the answer is as wanted.
      change.catch(() => undefined);
      if (wanted(await ask(path))) return;
      await change;
    }
  }

  const row = (id) => page.locator(`[data-testid="item-row"][data-id="${id}"]`);
  const status = (name) =>
    page.locator(`[data-testid="item-status"][data-status="${name}"]`).waitFor();
  const notice = (text) => page.getByTestId('notice').filter({ hasText: text });
  /** Waits until a part shows the number that the program tells. */
  const shows = (part, told) =>
    becomes(
      page,
      async () => {
        const text = await page.getByTestId(part).textContent();
        return Number(text.replace(/\D/g, '')) === (await told());
      },
      true,
      part,
    );
  const failed = async () => (await ask('/items?status=failed&limit=100')).items;
  const curable = async () =>
    (await failed()).filter((item) => MENDED.includes(item.externalIds[0]));

  let token = null;

  /** Changes the refused record so often, as the sandbox of the demo does, and waits until all have failed. */
  async function failAgain(times) {
    const before = (await failed()).length;
    const { orgs } = await ask('/orgs');
    const { orgId } = orgs.find((org) => org.kind === 'sandbox');
    token ??= (await ask('/tokens', 'POST', { name: 'Journeys', sourceOrgIds: [orgId] })).token;
    for (let n = 1; n <= times; n += 1) {
      const accepted = await page.evaluate(
        async ([secret, sourceOrgId, externalId]) => {
          const response = await fetch('/delivery/sync', {
            method: 'POST',
            headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
            body: JSON.stringify({
              transactionId: `txn_journey_${crypto.randomUUID()}`,
              sourceOrgId,
              timestamp: new Date().toISOString(),
              operation: 'upsert',
              records: [{ externalId, title: 'Bulk change of owners', estimatedHours: 8 }],
            }),
          });
          return (await response.json()).success;
        },
        [token, orgId, REFUSED],
      );
      assert.equal(accepted, true);
      // One after the other: a newer change would replace an older one that still waits.
      await until('/items?status=failed&limit=1', ({ total }) => total >= before + n);
    }
  }

  before(async () => {
    assert.ok(OPEN_URL, 'SYNC_MONITOR_OPEN_URL must hold a one-time link to the running program');
    browser = await launch();
    const context = await browser.newContext({
      viewport: SIZE,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    page = await context.newPage();
    await page.goto(OPEN_URL);
    await page.getByTestId('headline').waitFor();
  });
  after(() => browser?.close());

  it('shows on the overview what the program counts, and leads there', async () => {
    await goTo(page, '#/overview');
    const { counts } = await ask('/status');
    assert.ok(counts.failed >= 4, 'the journeys need four failed items');
    await shows('tile-failed-count', async () => (await ask('/status')).counts.failed);
    await page.getByTestId('tile-failed').click();
    await page.getByTestId('item-row').first().waitFor();
    await shows('list-count', async () => (await ask('/items?status=failed&limit=1')).total);
  });

  it('opens a failed item, shows why, and retries it', async () => {
    await goTo(page, '#/overview');
    await page.getByTestId('nav-failed').click();
    await page.getByTestId('tab-items').click();
    const [item] = await curable();
    await row(item.id).getByTestId('item-open').click();
    await status('failed');
    const detail = await ask(`/items/${item.id}`);
    await page.getByTestId('cause-card').getByText(detail.cause.title).waitFor();
    await page.getByTestId('attempt').first().waitFor();
    await becomes(page, () => page.getByTestId('attempt').count(), detail.attemptLog.length);
    await page.getByTestId('item-tab-payload').click();
    await page.getByTestId('payload-as-text').click();
    const payload = await page.getByTestId('payload').textContent();
    assert.deepEqual(JSON.parse(payload), JSON.parse(detail.payloadText));
    await page.getByTestId('copy-curl').click();
    await notice('curl command copied').waitFor();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(command.includes(detail.payloadText) && command.includes('Bearer $TOKEN'));
    await page.getByTestId('item-retry').click();
    await notice('1 queued again').waitFor();
    await status('synced');
    await page.getByTestId('item-tab-history').click();
    await page.getByTestId('history').locator('[data-action="retry"]').waitFor();
    await page.keyboard.press('Escape');
    await row(item.id).waitFor({ state: 'detached' });
  });

  it('retries everything of a cause after a look ahead, and tells what came of it', async () => {
    const [{ failureKey, targetOrgId }] = await curable();
    const { total } = await ask(`/items?status=failed&failureKey=${failureKey}&limit=1`);
    await page.getByTestId('nav-failed').click();
    const cause = page.locator(`[data-testid="cause"][data-key="${failureKey}"]`);
    await cause.getByTestId('cause-retry').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('plan-org').waitFor();
    const { alias } = (await ask('/orgs')).orgs.find((org) => org.orgId === targetOrgId);
    await dialog.getByTestId('plan-org').filter({ hasText: alias }).waitFor();
    await assertAccessible(page, 'the look ahead');
    await page.getByTestId('bulk-confirm').click();
    const said = notice(`${total} queued again`);
    await said.getByRole('link').click();
    await page.getByTestId('run').waitFor();
    await shows('run-done', () => total);
    await page.getByTestId('run-now').filter({ hasText: 'Synced' }).waitFor();
    await assertAccessible(page, 'a run');
    await becomes(page, async () => (await curable()).length, 0);
    await goTo(page, '#/runs');
    await page.getByTestId('run-row').first().waitFor();
  });

  it('retries several selected items at once', async () => {
    await failAgain(2);
    await goTo(page, '#/failed/items');
    const [first, second] = await failed();
    for (const { id } of [first, second]) await row(id).getByRole('checkbox').click();
    await page.getByText('2 selected').waitFor();
    await page.getByTestId('bulk-retry').click();
    await page.getByTestId('bulk-confirm').click();
    await notice('2 queued again').waitFor();
    // Both are changes of one record: the newer one replaces the older one and is refused again.
    const over = ({ cycle, status }) => cycle === 2 && ['failed', 'superseded'].includes(status);
    for (const { id } of [first, second]) await until(`/items/${id}`, over);
    const ends = await Promise.all([first, second].map(({ id }) => ask(`/items/${id}`)));
    assert.deepEqual(ends.map((one) => one.status).sort(), ['failed', 'superseded']);
  });

  it('dismisses with a reason, takes it back, dismisses again and restores', async () => {
    await goTo(page, '#/failed/items');
    const [{ id }] = await failed();
    const dismiss = async () => {
      await row(id).getByTestId('item-open').click();
      await page.getByTestId('item-dismiss').click();
      await page.getByRole('textbox', { name: 'Reason' }).fill('A test of the journeys');
      await page.getByTestId('dismiss-confirm').click();
      await notice('1 dismissed').waitFor();
      await page.getByTestId('dismissed-card').getByText('A test of the journeys').waitFor();
    };
    await dismiss();
    await notice('1 dismissed').getByTestId('notice-action').click();
    await status('failed');
    await page.keyboard.press('Escape');
    await dismiss();
    await page.keyboard.press('Escape');
    await row(id).waitFor({ state: 'detached' });
    await page.getByTestId('tab-dismissed').click();
    await row(id).getByTestId('item-open').click();
    await page.getByTestId('item-restore').click();
    await status('failed');
    await page.keyboard.press('Escape');
    assert.equal((await ask(`/items/${id}`)).dismissedAt, null);
  });

  it('finds screens and items by the palette', async () => {
    await goTo(page, '#/overview');
    await page.keyboard.press('Control+k');
    const palette = page.getByTestId('palette');
    await palette.getByRole('combobox').fill('audit');
    await assertAccessible(page, 'the palette');
    await page.keyboard.press('Enter');
    await page.getByTestId('audit-row').first().waitFor();
    await page.getByTestId('palette-open').click();
    await palette.getByRole('combobox').fill(REFUSED);
    const line = palette.getByTestId('palette-line').filter({ hasText: REFUSED }).first();
    await line.waitFor();
    await line.click();
    await page.getByTestId('item-drawer').waitFor();
    await page.getByTestId('item-head').getByText(REFUSED).waitFor();
    await page.keyboard.press('Escape');
  });

  it('shows everything of a work item, and what each org holds of it', async () => {
    const [item] = (await failed()).filter((one) => one.externalIds[0] === REFUSED);
    await goTo(page, `#/item/${item.id}`);
    await page.getByTestId('item-tab-thread').click();
    await page.getByTestId('whole-thread').click();
    const { total } = await ask(`/items?externalId=${REFUSED}&limit=1`);
    await page
      .getByTestId('version')
      .nth(total - 1)
      .waitFor();
    await becomes(page, () => page.getByTestId('version').count(), total);
    await page.locator('[data-testid="holding"][data-standing="current"]').first().waitFor();
    await page.locator('[data-testid="holding"][data-standing="failed"]').waitFor();
  });

  it('draws how the orgs stand, and leads to what failed between them', async () => {
    await goTo(page, '#/orgs/map');
    const line = page.locator('[data-testid="map-line"][data-level="person"]');
    await line.waitFor();
    await line.focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('item-row').first().waitFor();
    await shows('list-count', async () => (await failed()).length);
  });

  it('keeps in the audit log what was done here', async () => {
    await goTo(page, '#/audit');
    for (const action of ['item.retry', 'item.dismiss', 'item.restore', 'token.create']) {
      await page.getByLabel('What').selectOption(action);
      await page.locator(`[data-testid="audit-row"][data-action="${action}"]`).first().waitFor();
      await page
        .locator(`[data-testid="audit-row"]:not([data-action="${action}"])`)
        .first()
        .waitFor({ state: 'detached' });
    }
    await page.getByTestId('audit-clear').click();
  });

  it('can review with the keyboard alone: causes, items, an item, retry, dismiss, restore', async () => {
    const key = (...keys) =>
      keys.reduce((done, one) => done.then(() => page.keyboard.press(one)), Promise.resolve());
    await goTo(page, '#/overview');
    await key('g', 'f');
    await page.getByTestId('cause').first().waitFor();
    // A cause, and from it its items.
    await key('j');
    await page.locator('[data-cause-link]:focus').waitFor();
    await key('Enter');
    await page.getByTestId('item-row').first().waitFor();
    const ids = await page.evaluate(() =>
      [...document.querySelectorAll('[data-testid="item-row"]')].map((one) => one.dataset.id),
    );
    await key('j');
    await page.locator('[data-row-link]:focus').waitFor();
    const id = await page.evaluate(() => document.activeElement?.dataset.rowLink);
    assert.ok(ids.includes(id), 'j puts the focus on a row');
    await key('x');
    await becomes(page, () => row(id).getByRole('checkbox').isChecked(), true);
    await key('x');
    // An item, the next one, and the item as a page.
    await key('Enter');
    await status('failed');
    if (ids.length > 1) {
      await key('j');
      await page.getByTestId('item-position').filter({ hasText: '2 of' }).waitFor();
      await key('k');
      await page.getByTestId('item-position').filter({ hasText: '1 of' }).waitFor();
    }
    await page.getByTestId('item-drawer').focus();
    await key('Enter');
    await page.getByTestId('item-page').waitFor();
    await key('r');
    await notice('1 queued again').waitFor();
    await until(`/items/${id}`, (answer) => answer.status === 'failed');
    await status('failed');
    // Dismissed for a reason, and brought back.
    await key('d');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('By keyboard');
    await key('Tab');
    await page.waitForFunction(() => document.activeElement?.closest('dialog') !== null);
    for (let n = 0; n < 6; n += 1) {
      if (await page.evaluate(() => document.activeElement?.dataset.testid === 'dismiss-confirm')) {
        break;
      }
      await key('Tab');
    }
    await key('Enter');
    await page.getByTestId('dismissed-card').waitFor();
    await page.getByTestId('item-restore').focus();
    await key('Enter');
    await status('failed');
    await key('Escape');
    await page.getByTestId('item-page').waitFor({ state: 'detached' });
    // A row that left meanwhile gave the keyboard to the one in its place.
    await page.locator('[data-row-link]:focus').waitFor();
    await key('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await key('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  /** The two orgs of the demo that have only the package. */
  const packageOrgs = async () =>
    (await ask('/orgs')).orgs.filter((org) => org.adapter?.namespace != null);
  const card = (orgId) => page.locator(`[data-testid="org-card"][data-org="${orgId}"]`);
  /** Records that nothing of the demo is about. */
  const LINKED = ['a0100000000ZzZ1AAK', 'a0200000000ZzZ2'];

  it('links records of two orgs with the package, and takes that back', async () => {
    const [one, other] = await packageOrgs();
    await goTo(page, '#/orgs/cards');
    await card(one.orgId).getByTestId('org-link').click();
    const dialog = page.getByRole('dialog');
    const address = `${one.instanceUrl}/lightning/r/WorkItem__c/${LINKED[0]}/view`;
    await dialog.getByTestId('link-one').fill(address);
    await dialog.getByTestId('link-other').fill(LINKED[1]);
    await dialog.getByTestId('link-make').click();
    await dialog.getByText('are the same from now on').waitFor();
    await assertAccessible(page, 'linking records');
    const made = async () => (await ask(`/identities/links?orgId=${other.orgId}`)).links;
    const [{ one: kept, other: renamed }] = await made();
    assert.deepEqual(kept, { orgId: one.orgId, recordId: LINKED[0] });
    assert.equal(renamed.orgId, other.orgId);
    await dialog.getByRole('button', { name: new RegExp(`^Unlink ${LINKED[0]}`) }).click();
    await dialog.getByTestId('unlink-confirm').click();
    await dialog.getByText('are two again').waitFor();
    assert.deepEqual(await made(), []);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('counts what an org failed at by itself as the org has it', async () => {
    const own = async () => {
      const held = (await packageOrgs()).map((org) => org.ownQueue);
      return held.every(Boolean) && held.reduce((sum, { count }) => sum + count, 0);
    };
    await goTo(page, '#/failed/own');
    await page.getByTestId('own-read').waitFor();
    await becomes(
      page,
      async () => {
        const shown = await page.getByTestId('tab-own').locator('.number').textContent();
        return Number(shown) === (await own());
      },
      true,
      'the number on the tab',
    );
    await becomes(page, () => page.locator('[data-own-item]').count(), await own());
  });

  /** Every screen, and those that need something to be there. */
  async function everyScreen() {
    const [item] = await failed();
    const { runs } = await ask('/runs?limit=1');
    return [
      ...SCREENS,
      `#/item/${item.id}`,
      `#/item/${item.id}/full`,
      `#/work-item/${encodeURIComponent(item.externalIds[0])}`,
      `#/runs/${runs[0].id}`,
    ];
  }

  for (const theme of ['Light', 'Dark']) {
    it(`has no accessibility finding on any screen, ${theme.toLowerCase()}`, async () => {
      await chooseTheme(page, theme);
      for (const hash of await everyScreen()) {
        await goTo(page, hash);
        await assertAccessible(page, `${theme} ${hash}`);
      }
    });
  }

  it('has none with forced colours and reduced motion, and moves nothing then', async () => {
    await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
    for (const hash of await everyScreen()) {
      await goTo(page, hash);
      // The colours are the system's own then; axe still reckons with the page's.
      await assertAccessible(page, `forced colours ${hash}`, ['color-contrast']);
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0, hash);
    }
    await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'no-preference' });
  });

  it('connects the third org in the browser, tests it, and gives it a route', async () => {
    await goTo(page, '#/orgs/cards');
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
    const { orgs } = await ask('/orgs');
    const org = orgs.find((one) => one.alias === 'Northwind');
    assert.deepEqual(
      [org.kind, org.signedInBy, org.health],
      ['production', 'browser', 'connected'],
    );
  });

  it('leaves a picture of every screen', { skip: !PICTURES }, async () => {
    await mkdir(PICTURES, { recursive: true });
    for (const theme of ['light', 'dark']) {
      await chooseTheme(page, theme === 'light' ? 'Light' : 'Dark');
      const take = async (name) => {
        // What is said in passing is not a part of the screen.
        await page.mouse.move(0, 0);
        await page.screenshot({
          path: join(PICTURES, `${name}-${theme}.png`),
          animations: 'disabled',
        });
      };
      const [item] = (await failed()).filter((one) => one.cycle > 1);
      const { runs } = await ask('/runs?limit=100');
      const run = runs.find((one) => one.action === 'retry' && one.changed > 1);
      for (const hash of SCREENS) {
        await goTo(page, hash);
        await take(hash.slice(2).replaceAll('/', '-'));
      }
      await goTo(page, `#/runs/${run.id}`);
      await page.getByTestId('run-now').waitFor();
      await take('run');
      await goTo(page, `#/work-item/${encodeURIComponent(item.externalIds[0])}`);
      await page.getByTestId('version').first().waitFor();
      await take('work-item');
      await goTo(page, '#/failed/items');
      await goTo(page, `#/item/${item.id}`);
      await take('item');
      for (const tab of ['payload', 'thread', 'history']) {
        await page.getByTestId(`item-tab-${tab}`).click();
        await page.locator(`[data-panel="${tab}"]`).scrollIntoViewIfNeeded();
        await take(`item-${tab}`);
      }
      await page.getByTestId('item-tab-payload').click();
      await goTo(page, `#/item/${item.id}/full`);
      await take('item-page');
      await goTo(page, '#/failed/causes');
      await page.getByTestId('cause-retry').first().click();
      await page.getByTestId('plan-org').first().waitFor();
      await take('retry-all');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await page.getByTestId('palette').waitFor();
      await take('palette');
      await page.keyboard.press('Escape');
      await goTo(page, '#/orgs/cards');
      await page.getByTestId('org-add').click();
      await page.getByTestId('wizard').waitFor();
      await take('add-org');
      await page.keyboard.press('Escape');
      const [one, other] = await packageOrgs();
      await ask('/identities/link', 'POST', {
        one: { orgId: one.orgId, recordId: LINKED[0] },
        other: { orgId: other.orgId, recordId: LINKED[1] },
      });
      await card(one.orgId).screenshot({
        path: join(PICTURES, `org-package-${theme}.png`),
        animations: 'disabled',
      });
      await card(one.orgId).getByTestId('org-link').click();
      await page.getByTestId('links').waitFor();
      await take('link-records');
      await page.keyboard.press('Escape');
    }
  });
});
