/** Orgs that have Delivery Hub's package, against the mock server. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertAccessible } from './browser.mjs';
import { adapter, ORGS } from './mock-data.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages({ context: { viewport: { width: 1280, height: 900 } } });
const { becomes, notice } = t;

/** The page, once an org of it has the package. */
async function open(hash, more = {}) {
  const { page, server } = await t.open({ demo: false }, '#/orgs');
  const org = server.mock.orgs.find((one) => one.orgId === ORGS.client);
  Object.assign(org, adapter(Date.now()));
  Object.assign(org.pull, more);
  server.mock.emit({ items: null, orgs: true, routes: false });
  const card = page.locator(`[data-testid="org-card"][data-org="${ORGS.client}"]`);
  await card.getByTestId('org-package').waitFor();
  if (hash !== '#/orgs') await page.goto(page.url().replace(/#.*$/, hash));
  return { page, server, card };
}

describe('an org with the package', () => {
  it('says on its card what it speaks and has, and is read on request', async () => {
    const { page, card } = await open('#/orgs');
    const facts = card.getByTestId('org-package');
    await becomes(
      async () => /own protocol[^]*1\.42\.0\.3, delivery/.test(await facts.innerText()),
      true,
      'what it speaks',
    );
    await card.getByTestId('org-read').click();
    await notice('2 changes');
    await assertAccessible(page);
  });

  it('says why it is not read', async () => {
    const why = "The org's API allowance is nearly used up: 12,100 of 15,000 API calls are used.";
    const { card } = await open('#/orgs', { detail: why });
    await card.getByTestId('pull-detail').filter({ hasText: why }).waitFor();
  });

  it('relays another member once it is switched on', async () => {
    const { page, server, card } = await open('#/orgs');
    await card.getByTestId('org-mapping').click();
    await page.getByRole('checkbox', { name: 'Relay Work item: assignee' }).check();
    await page.getByRole('checkbox', { name: 'Relay File: documents' }).check();
    await assertAccessible(page);
    await page.getByTestId('mapping-save').click();
    await page.getByTestId('mapping').waitFor({ state: 'detached' });
    const on = server.mock.mapping.filter((one) => one.on).map((one) => one.member);
    assert.deepEqual(on, ['title', 'status', 'assignee', 'documents']);
  });

  it('is told which records are those of another org, by keyboard, and takes that back', async () => {
    const { page, server, card } = await open('#/orgs');
    const other = server.mock.orgs.find((one) => one.orgId === ORGS.agency);
    Object.assign(other, adapter(Date.now()));
    server.mock.emit({ items: null, orgs: true, routes: false });
    await page.locator(`[data-org="${ORGS.agency}"]`).getByTestId('org-package').waitFor();
    await card.getByTestId('org-link').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Nothing yet.').waitFor();
    await assertAccessible(page);
    await dialog.getByTestId('link-one').fill('a01000000000001AAB');
    await page.keyboard.press('Enter');
    await dialog.getByText('This ID is mistyped').waitFor();
    await dialog.getByText('There is no record ID in this').waitFor();
    assert.equal(t.calls('POST /identities/link'), 0, 'what cannot be right is not asked');
    await page.keyboard.press('ControlOrMeta+a');
    const address = 'https://a.lightning.force.com/lightning/r/WorkItem__c/a01000000000001AAA/view';
    await page.keyboard.insertText(address);
    await page.keyboard.press('Tab');
    await page.keyboard.insertText('a02000000000002');
    const detail = 'a02000000000002AAA is another already. A record can be only one.';
    server.mock.problems.set('POST /identities/link', { status: 409, code: 'REFUSED', detail });
    await page.keyboard.press('Enter');
    await dialog.getByText('A record can be only one').waitFor();
    await becomes(
      () => dialog.getByTestId('link-other').getAttribute('aria-invalid'),
      'true',
      'it',
    );
    await assertAccessible(page);
    await page.keyboard.press('Enter');
    await dialog.getByText('are the same from now on').waitFor();
    const [made] = server.mock.links;
    assert.deepEqual(made.one, { orgId: ORGS.client, recordId: 'a01000000000001AAA' });
    assert.equal(made.other.recordId, 'a02000000000002');
    await dialog.getByRole('button', { name: /^Unlink a01/ }).press('Enter');
    await dialog.getByText('They are two from then on').waitFor();
    await assertAccessible(page);
    await dialog.getByTestId('unlink-confirm').press('Enter');
    await dialog.getByText('are two again').waitFor();
    await dialog.getByText('Nothing yet.').waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.dataset.testid);
    await becomes(focused, 'link-one', 'the focus, whose row has gone');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await becomes(
      () => card.getByTestId('org-link').evaluate((one) => one === document.activeElement),
      true,
      'the focus back where it came from',
    );
  });

  it('shows what it failed at by itself, and lets it send that again', async () => {
    const { page, server } = await open('#/failed/own');
    const tab = page.getByTestId('tab-own');
    await becomes(() => tab.locator('.number').innerText(), '2', 'how many, on the tab');
    const row = (id) => page.locator(`[data-own-item="${id}"]`);
    await row('a04000000000002AAA').filter({ hasText: 'strand it for good' }).waitFor();
    assert.equal(await row('a04000000000002AAA').getByRole('button').count(), 0, 'only explained');
    await assertAccessible(page);
    await row('a04000000000001AAA')
      .getByRole('button', { name: /^Dismiss/ })
      .click();
    await page.getByLabel('Why?').fill('sent by hand');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await row('a04000000000001AAA')
      .getByRole('button', { name: /^Queue/ })
      .click();
    await row('a04000000000001AAA').waitFor({ state: 'detached' });
    await becomes(() => tab.locator('.number').innerText(), '1', 'how many are left, on the tab');
    assert.deepEqual(
      server.mock.own.map((one) => one.id),
      ['a04000000000002AAA'],
    );
  });

  it('asks the org for its own queue only when somebody opens it, wants it, or the program has looked', async () => {
    const { page, server } = await open('#/failed/own');
    const asked = () => t.calls(`GET /orgs/${ORGS.client}/sync-items`);
    await page.locator('[data-own-item]').first().waitFor();
    await page.getByTestId('tab-causes').click();
    await page.getByTestId('tab-own').click();
    await page.locator('[data-own-item]').first().waitFor();
    server.mock.emit({ items: null, orgs: true, routes: true });
    await page.waitForResponse((response) => response.url().endsWith('/api/v1/orgs'));
    assert.equal(asked(), 1, 'what was read just now is shown again');
    await page.getByRole('button', { name: 'Read again' }).click();
    await becomes(async () => asked(), 2, 'read on request');
    const org = server.mock.orgs.find((one) => one.orgId === ORGS.client);
    await becomes(() => page.getByRole('button', { name: 'Read again' }).isEnabled(), true, 'read');
    org.ownQueue = { ...org.ownQueue, readAt: new Date(Date.now() + 60_000).toISOString() };
    server.mock.emit({ items: [], orgs: true, routes: false });
    await becomes(async () => asked() >= 3, true, 'the program has looked by itself');
    await assertAccessible(page);
  });
});
