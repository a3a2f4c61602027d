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
    await assertAccessible(page);
    await page.getByTestId('mapping-save').click();
    await page.getByTestId('mapping').waitFor({ state: 'detached' });
    assert.equal(server.mock.mapping.find((one) => one.member === 'assignee').on, true);
  });

  it('shows what it failed at by itself, and lets it send that again', async () => {
    const { page, server } = await open('#/failed/own');
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
    assert.deepEqual(
      server.mock.own.map((one) => one.id),
      ['a04000000000002AAA'],
    );
  });
});
