/** What the UI does by itself, against the mock server. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo, SCREENS } from './browser.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages();
const { becomes, box, count, row } = t;
let server;
let page;

async function open(options, hash) {
  ({ page, server } = await t.open(options, hash));
}

describe('the connection', () => {
  it('says that it is lost, keeps the last data, and recovers by itself', async () => {
    await open({}, '#/failed/items');
    await row('failed-1').waitFor();
    await server.cut();
    const stopped = page.locator('[data-trouble="stopped"]');
    await stopped.getByText('What you see is as of').waitFor();
    await becomes(() => page.getByTestId('item-row').count(), 12);
    server.mock.items.find((item) => item.id === 'failed-1').status = 'synced';
    await server.start();
    await stopped.waitFor({ state: 'detached' });
    await row('failed-1').waitFor({ state: 'detached' });
    await becomes(() => page.getByTestId('item-row').count(), 11);
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
    await becomes(() => page.getByTestId('demo-banner').count(), 0);
    server.mock.orgs.forEach((org) => (org.health = 'connected'));
    server.mock.items = server.mock.items.filter((item) => item.status === 'synced');
    server.mock.emit({ items: null, orgs: true, routes: false });
    await page.getByTestId('headline').getByText('Everything is in sync').waitFor();
  });

  it('leads from every number to exactly that many rows', async () => {
    await open({});
    for (const tile of ['failed', 'retrying', 'queued', 'held', 'synced']) {
      await goTo(page, '#/overview');
      const shown = page.getByTestId(`tile-${tile}-count`).filter({ hasText: /\d/ });
      const said = await shown.textContent();
      await page.getByTestId(`tile-${tile}`).click();
      await count(new RegExp(`^(\\d+ of )?${said} items`));
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
  /** What shows that a screen has its data; its heading alone may come sooner. */
  const shown = {
    '#/overview': 'day-chart',
    '#/failed/causes': 'cause',
    '#/failed/items': 'item-row',
    '#/failed/dismissed': 'item-row',
    '#/queue/queued': 'item-row',
    '#/queue/retrying': 'item-row',
    '#/queue/sending': 'item-row',
    '#/queue/held': 'item-row',
    '#/activity/events': 'item-row',
    '#/activity/work-items': 'work-item-row',
    '#/orgs/cards': 'org-card',
    '#/orgs/map': 'map-line',
    '#/insights': 'by-org',
    '#/audit': 'audit-row',
    '#/settings/api': 'token-row',
    '#/settings/diagnostics': 'diagnostics',
    '#/work-item/WI-1041': 'version',
  };
  const screens = [
    ...SCREENS,
    '#/item/failed-1',
    '#/item/retrying-2',
    '#/item/queued-9',
    '#/work-item/WI-1041',
  ];

  for (const theme of ['Light', 'Dark']) {
    it(`has no finding on any screen, ${theme.toLowerCase()}`, async () => {
      await open({});
      await chooseTheme(page, theme);
      for (const hash of screens) {
        await goTo(page, hash);
        if (hash in shown) await page.getByTestId(shown[hash]).first().waitFor();
        await assertAccessible(page, `${theme} ${hash}`);
        const hangsOver = () => {
          const { scrollHeight, clientHeight } = document.documentElement;
          return scrollHeight - clientHeight;
        };
        assert.equal(
          await page.evaluate(hangsOver),
          0,
          `${hash}: the frame cannot be scrolled away`,
        );
      }
      await goTo(page, '#/failed/items');
      await box('failed-1').click();
      await row('failed-2').hover();
      await assertAccessible(page, `${theme} selected`);
      await page.getByTestId('bulk-dismiss').click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, `${theme} dismiss dialog`);
    });
  }
});
