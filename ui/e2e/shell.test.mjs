/** The frame around every screen, the overview, the insights and the first run, against the mock server. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible, chooseTheme, goTo } from './browser.mjs';
import { ORGS } from './mock-data.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages({ mock: { demo: false } });
const { becomes, notice } = t;
let server;
let page;

async function open(options, hash, context) {
  ({ page, server } = await t.open(options, hash, { context }));
}

const relay = (text) => page.getByTestId('relay-state').filter({ hasText: text }).waitFor();
const trouble = (name) => page.locator(`[data-testid="trouble"][data-trouble="${name}"]`);
const place = (pattern) => page.waitForURL(pattern);
const focused = () => page.evaluate(() => document.activeElement?.dataset.testid ?? '');
const shownCount = async (tile) => {
  const shown = page.getByTestId(`tile-${tile}-count`).filter({ hasText: /\d/ });
  return Number((await shown.textContent()).replace(/\D/g, ''));
};

describe('the pause menu', () => {
  beforeEach(() => open());

  it('pauses by keyboard, says so everywhere, and resumes', async () => {
    await page.getByTestId('relay-state').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: /For 15 minutes/ }).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await notice('The relay is paused');
    await relay('Relay paused');
    await page.getByTestId('paused-banner').getByText('until somebody resumes it').waitFor();
    assert.deepEqual(server.mock.bodies.at(-1), { until: null });
    await becomes(focused, 'relay-state', 'the focus is back where it was');
    await assertAccessible(page, 'paused');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Resume now' }).press('Enter');
    await notice('The relay goes on');
    await page.getByTestId('paused-banner').waitFor({ state: 'detached' });
  });

  it('says until when', async () => {
    await page.getByTestId('relay-state').click();
    await page.getByRole('menuitem', { name: /For 1 hour/ }).click();
    await relay('Relay paused until');
    const { until } = server.mock.bodies.at(-1);
    assert.ok(Math.abs(Date.parse(until) - Date.now() - 3_600_000) < 60_000);
    await page.getByRole('button', { name: 'Resume now' }).click();
    await relay('needs attention');
  });

  it('says what keeps it from pausing, and closes with Escape', async () => {
    server.mock.problems.set('POST /relay/pause', {
      status: 500,
      code: 'SERVER_ERROR',
      detail: 'The disk is full.',
    });
    await page.getByTestId('relay-state').click();
    await page.getByRole('menuitem', { name: /Until tomorrow/ }).click();
    await notice('The disk is full.');
    await page.getByTestId('relay-state').click();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
  });
});

describe('the org filter', () => {
  beforeEach(() => open({}, '#/overview'));

  it('goes along from screen to screen, survives a reload, and is cleared in one place', async () => {
    const all = await shownCount('failed');
    await page.getByTestId('org-filter').selectOption({ label: 'To acme-client' });
    await page
      .getByTestId('tile-failed-count')
      .filter({ hasNotText: String(all) })
      .waitFor();
    const some = await shownCount('failed');
    const badge = page.getByTestId('nav-failed').locator('.badge');
    await becomes(async () => Number(await badge.textContent()), some);
    await page.getByTestId('day-chart').getByText('Only what went to acme-client.').waitFor();
    const asked = page.waitForRequest((request) =>
      request.url().includes(`/stats?window=24h&targetOrgId=${ORGS.client}`),
    );
    await page.getByTestId('nav-insights').click();
    await asked;
    await page.getByTestId('results').getByText('Only what went to acme-client.').waitFor();
    await page.getByTestId('nav-overview').click();
    await page.getByTestId('tile-failed').click();
    await place(new RegExp(`#/failed/items\\?targetOrgId=${ORGS.client}`));
    await page
      .getByTestId('list-count')
      .filter({ hasText: new RegExp(`^${some} items`) })
      .waitFor();
    await page.getByTestId('nav-queue').click();
    await place(/#\/queue\/?.*targetOrgId=/);
    await page.reload();
    await page.getByTestId('org-filter').waitFor();
    await page.waitForFunction(
      (id) => document.querySelector('[data-testid="org-filter"]').value === id,
      ORGS.client,
    );
    await page.getByTestId('nav-overview').click();
    await page.getByRole('button', { name: 'Show all orgs' }).click();
    await place(/#\/overview$/);
    await page
      .getByTestId('tile-failed-count')
      .filter({ hasText: String(all) })
      .waitFor();
  });

  it('leads from every number of an org to exactly that many rows', async () => {
    await page.getByTestId('org-filter').selectOption({ label: 'To northwind-agency' });
    await page.getByText('The numbers below count only').waitFor();
    for (const tile of ['failed', 'retrying', 'queued', 'held', 'synced']) {
      await page.getByTestId('nav-overview').click();
      await page.getByText('The numbers below count only').waitFor();
      const said = await shownCount(tile);
      await page.getByTestId(`tile-${tile}`).click();
      await page
        .getByTestId('list-count')
        .filter({ hasText: new RegExp(`^(\\d+ of )?${said} items?`) })
        .or(page.getByTestId('list-count').filter({ hasText: said === 0 ? /^0/ : /^never$/ }))
        .waitFor();
    }
  });
});

describe('the search box', () => {
  it('finds from any screen, whatever the status', async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    await page.keyboard.press('/');
    await becomes(focused, 'search');
    await page.keyboard.type('WI-1041');
    await page.keyboard.press('Enter');
    await place(/#\/activity\/events\?q=WI-1041/);
    await page.getByTestId('item-row').first().waitFor();
    const asked = server.mock.calls.filter((call) => call === 'GET /items').length;
    assert.ok(asked > 0);
  });

  it('narrows the list it stands over while one types, and gives it back with Escape', async () => {
    await open({}, '#/failed/items');
    await page.getByTestId('item-row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('rounding');
    await place(/#\/failed\/items\?q=rounding/);
    await page.getByTestId('list-count').filter({ hasText: /^2 / }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('list-count').filter({ hasText: /^12 / }).waitFor();
  });
});

describe('the commands', () => {
  beforeEach(async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette').waitFor();
  });

  it('go to a screen', async () => {
    await page.keyboard.type('settings retry');
    await page.getByRole('option', { name: /Settings: Retry/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await place(/#\/settings\/retry$/);
    await page.getByTestId('palette').waitFor({ state: 'detached' });
  });

  it('find an item', async () => {
    await page.keyboard.type('WI-1043');
    const found = page.getByRole('option', { name: /WI-1043/ });
    await found.first().waitFor();
    await assertAccessible(page, 'palette with items');
    await page.keyboard.press('Enter');
    await page.getByTestId('item-status').waitFor();
  });

  it('do something, and are left with Escape', async () => {
    await page.keyboard.type('theme dark');
    await page.keyboard.press('Enter');
    await page.locator(':root[data-theme="dark"]').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('palette').waitFor({ state: 'detached' });
  });

  it('say that there is nothing', async () => {
    await page.keyboard.type('qqqqq');
    await page.getByText('Nothing found').waitFor();
  });
});

describe('the looks', () => {
  it('are remembered: sidebar, density, times, theme', async () => {
    await open({}, '#/settings/appearance');
    await page.getByTestId('sidebar-fold').click();
    await page.getByRole('radio', { name: 'Dense' }).check({ force: true });
    await page.getByRole('radio', { name: 'UTC' }).check({ force: true });
    await chooseTheme(page, 'Dark');
    await page.reload();
    await page.locator(':root[data-density="dense"][data-theme="dark"]').waitFor();
    await page.getByRole('button', { name: 'Expand the sidebar' }).waitFor();
    await page.getByRole('button', { name: 'Times: UTC' }).waitFor();
  });

  it('write every moment another way with one key', async () => {
    await open({}, '#/overview');
    await page
      .getByTestId('needs')
      .getByText(/m ago|just now/)
      .first()
      .waitFor();
    await page.keyboard.press('t');
    await notice('Times: Local');
    await page.keyboard.press('t');
    await page
      .getByTestId('needs')
      .getByText(/\d\d:\d\d:\d\d UTC/)
      .first()
      .waitFor();
  });

  it('keep all words of the frame in the catalogue', async () => {
    const storage = [{ name: 'sync-monitor.locale', value: 'en-XA' }];
    await open({}, '#/overview');
    await page.evaluate(([{ name, value }]) => localStorage.setItem(name, value), storage);
    await page.reload();
    for (const hash of ['#/overview', '#/insights', '#/settings/general', '#/settings/about']) {
      await page.evaluate((address) => (location.hash = address), hash);
      await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Lóádíng…', { exact: true }).waitFor({ state: 'detached' });
      const plain = await page.evaluate(() => {
        // What comes from the program is no text of the page: names, addresses, times, sizes.
        const data = '.mono, .chip, time, kbd, code, svg text, .tip, option, [data-testid="needs"]';
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
          const node = walker.currentNode;
          const text = node.textContent.trim();
          if (/[a-z]*[aeiou][a-z]+/i.test(text) && !node.parentElement.closest(data)) {
            found.push(text);
          }
        }
        return found;
      });
      const words = plain.filter((text) => !/^(acme|northwind|legacy|System)|→|\d/.test(text));
      assert.deepEqual(words, [], hash);
    }
  });
});

describe('trouble of the page’s own', () => {
  beforeEach(async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    await page.getByTestId('needs').waitFor();
  });

  it('is told apart: a stopped program', async () => {
    await server.cut();
    await trouble('stopped').getByText('What you see is as of').waitFor();
    await relay('Connection lost');
    await assertAccessible(page, 'stopped');
    await server.start();
    await trouble('stopped').waitFor({ state: 'detached' });
    await relay('Relay running');
  });

  it('is told apart: slow answers', async () => {
    const gate = {};
    gate.promise = new Promise((resolve) => (gate.open = resolve));
    server.mock.delays.set('GET /status', gate.promise);
    server.mock.emit({ items: [], orgs: true, routes: false });
    await trouble('slow').getByText('answers slowly').waitFor();
    await assertAccessible(page, 'slow');
    server.mock.delays.delete('GET /status');
    gate.open();
    await trouble('slow').waitFor({ state: 'detached' });
  });

  it('is told apart: a store that cannot be used', async () => {
    const problem = { status: 500, code: 'SERVER_ERROR', detail: 'no', always: true };
    server.mock.problems.set('GET /status', problem);
    server.mock.emit({ items: [], orgs: true, routes: false });
    await trouble('store').getByText('Nothing that was accepted is lost').waitFor();
    assert.match(await page.getByTestId('headline').textContent(), /12 items need you/);
    server.mock.problems.delete('GET /status');
    await trouble('store').waitFor({ state: 'detached' });
  });

  it('is told apart: live updates that are cut, while the page goes on asking', async () => {
    server.mock.cutStreams();
    await trouble('cut').getByText('asks every 3 seconds').waitFor();
    await relay('Relay running');
    server.mock.items.find((item) => item.id === 'failed-1').status = 'synced';
    await page.getByTestId('headline').getByText('11 items need you').waitFor();
    server.mock.refuseStreams = false;
    await trouble('cut').waitFor({ state: 'detached' });
  });
});

describe('the overview', () => {
  it('names what needs attention and leads there', async () => {
    await open({}, '#/overview');
    const org = server.mock.orgs.find((one) => one.orgId === ORGS.client);
    Object.assign(org, {
      apiUsage: { used: 13_000, max: 15_000 },
      clockSkewMs: -150_000,
      replacedBy: '00D9z000000NWNDEA0',
    });
    server.mock.emit({ items: [], orgs: true, routes: false });
    const needs = page.getByTestId('needs');
    await needs.getByText('acme-client has used 86 % of its API calls').waitFor();
    await needs.getByText('The clock of acme-client is 2 min 30 s behind').waitFor();
    await needs.getByText('acme-client was refreshed').waitFor();
    await needs.getByTestId('needs-sign-in').waitFor();
    const cause = needs.getByTestId('need-cause').first();
    const [said] = (await cause.getByRole('paragraph').first().textContent()).match(/\d+/);
    await cause.getByRole('link').click();
    await place(/#\/failed\/items\?.*failureKey=/);
    await page
      .getByTestId('list-count')
      .filter({ hasText: new RegExp(`^${said} item`) })
      .waitFor();
  });

  it('draws the last day with the hours nobody was there, or tells it as a table', async () => {
    await open({}, '#/overview');
    const chart = page.getByTestId('day-chart');
    await chart.getByRole('img', { name: /Results of the last 24 hours/ }).waitFor();
    await becomes(() => chart.getByTestId('chart-gap').count(), 1);
    await chart.getByRole('button', { name: 'Table' }).click();
    await becomes(() => chart.getByRole('row').count(), 49);
    await chart.getByRole('cell', { name: 'Not running' }).first().waitFor();
    await assertAccessible(page, 'the table of the chart');
  });
});

describe('the insights', () => {
  it('show another time by keyboard, and keep it in the address', async () => {
    await open({}, '#/insights');
    await page.getByTestId('insight-figures').getByText('98 %').waitFor();
    await page.getByRole('radio', { name: '24 hours' }).focus();
    await page.keyboard.press('ArrowRight');
    await place(/window=7d/);
    await page.reload();
    await page.getByRole('radio', { name: '7 days', checked: true }).waitFor();
    await page.getByText('echoes were suppressed in this time').waitFor();
    const ledger = page.getByTestId('ledger');
    assert.match(await ledger.textContent(), /in this time, .* in all/);
    assert.ok((await ledger.getByRole('listitem').count()) > 0);
    const line = page.getByTestId('by-cause').getByRole('link').first();
    const [said] = (await line.getAttribute('aria-label')).match(/\d+/);
    await line.click();
    await page
      .getByTestId('list-count')
      .filter({ hasText: new RegExp(`^${said} item`) })
      .waitFor();
  });

  it('show how much of its allowance each org has used, the nearest to its end first', async () => {
    await open({}, '#/insights');
    const calls = page.getByTestId('api-calls');
    await calls.getByRole('meter').first().waitFor();
    const org = server.mock.orgs.find(({ orgId }) => orgId === ORGS.agency);
    org.apiUsage = { used: 14_900, max: 15_000 };
    server.mock.emit({ items: [], orgs: true, routes: false });
    const first = calls.getByRole('listitem').first();
    await becomes(() => first.getByRole('meter').getAttribute('data-level'), 'critical');
    await first.getByText('northwind-agency').waitFor();
    await calls.getByRole('button', { name: 'Table' }).click();
    await calls.getByRole('cell', { name: '14,900' }).waitFor();
    await assertAccessible(page, 'API calls as a table');
  });

  it('say when they could not be loaded, and come when they can', async () => {
    await open({}, '#/audit');
    const problem = { status: 500, code: 'SERVER_ERROR', detail: 'no', always: true };
    server.mock.problems.set('GET /stats', problem);
    await page.getByTestId('nav-insights').click();
    await page.getByText('The figures could not be loaded').waitFor();
    server.mock.problems.delete('GET /stats');
    // They come by themselves; whoever cannot wait has a button.
    await page.getByTestId('results').waitFor();
  });
});

describe('the first run', () => {
  it('is shown once to whoever has no org, and can be skipped', async () => {
    await open({ connected: false });
    await page.getByRole('heading', { name: 'Welcome to Sync Monitor' }).waitFor();
    await page.getByText('To Salesforce, and nowhere else').waitFor();
    await page.getByTestId('welcome-skip').click();
    await page.getByTestId('headline').getByText('No org is connected yet').waitFor();
    await page.reload();
    await page.getByTestId('headline').getByText('No org is connected yet').waitFor();
    await page.getByRole('link', { name: 'Connect an org' }).click();
    await page.getByTestId('welcome').waitFor();
  });

  it('leads by keyboard to the first org and to the overview', async () => {
    await open({ connected: false });
    await page.getByTestId('welcome-next').press('Enter');
    const heading = page.getByRole('heading', { name: 'How do you want to begin?' });
    await heading.waitFor();
    await becomes(() => heading.evaluate((node) => node === document.activeElement), true);
    await page.keyboard.press('Tab');
    await becomes(focused, 'welcome-connect');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Add an org' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('sync-monitor serve --demo --open').waitFor();
    await page.getByTestId('welcome-next').press('Enter');
    await page.getByRole('switch', { name: 'Failed items' }).press('Space');
    await page.waitForFunction(() => document.querySelector('[role="switch"]').checked === false);
    await becomes(() => server.mock.bodies.at(-1), { 'desktop.notify_failures': false });
    assert.equal(await page.getByTestId('autostart').count(), 0, 'a browser starts with nothing');
    await page.getByTestId('welcome-finish').press('Enter');
    await page.getByTestId('headline').waitFor();
  });

  it('stays out of the way of a link', async () => {
    await open({ connected: false }, '#/orgs');
    await page.getByRole('heading', { name: 'Orgs', level: 1 }).waitFor();
    assert.equal(await page.getByTestId('welcome').count(), 0);
  });
});

describe('the keyboard alone', () => {
  it('reaches everything in the frame in the order it is seen', async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    await page.keyboard.press('Tab');
    await becomes(
      () => page.evaluate(() => document.activeElement.textContent),
      'Skip to the content',
    );
    const reached = [];
    for (let i = 0; i < 15; i += 1) {
      await page.keyboard.press('Tab');
      reached.push(await focused());
    }
    assert.deepEqual(
      reached.filter((id) => id !== ''),
      [
        ...['overview', 'failed', 'queue', 'activity', 'orgs', 'insights', 'audit', 'settings'].map(
          (name) => `nav-${name}`,
        ),
        'sidebar-fold',
        'relay-state',
        'org-filter',
        'search',
        'palette-open',
        'times',
        'theme',
      ],
    );
  });

  it('goes to every screen with two letters, and to the settings with one key', async () => {
    await open({}, '#/overview');
    await page.getByTestId('headline').waitFor();
    for (const [letter, screen] of [
      ['f', 'failed'],
      ['q', 'queue'],
      ['a', 'activity'],
      ['r', 'orgs'],
      ['i', 'insights'],
      ['u', 'audit'],
      ['s', 'settings'],
      ['o', 'overview'],
    ]) {
      await page.keyboard.press('g');
      await page.keyboard.press(letter);
      await page.locator(`[data-testid="nav-${screen}"][aria-current="page"]`).waitFor();
    }
    await page.keyboard.press('Control+,');
    await place(/#\/settings/);
  });

  it('leaves letters alone when they are switched off, but not the commands', async () => {
    await open({}, '#/settings/keyboard');
    await page.getByRole('checkbox', { name: 'Single-letter shortcuts are on' }).uncheck();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).click();
    await page.keyboard.press('?');
    await page.keyboard.press('/');
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    assert.match(page.url(), /#\/settings\/keyboard$/);
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette').waitFor();
  });
});

describe('for whoever asked for it', () => {
  it('nothing moves', async () => {
    await open({}, '#/settings/general', { reducedMotion: 'reduce' });
    await page.getByRole('switch').first().waitFor();
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((node) => {
          const { transitionDuration, animationName } = getComputedStyle(node);
          return animationName !== 'none' || !/^0s/.test(transitionDuration);
        })
        .map((node) => node.className),
    );
    assert.deepEqual(moving, []);
  });

  it('forced colours keep what is chosen visible, and axe has no finding', async () => {
    await open({}, '#/overview', { forcedColors: 'active' });
    await page.getByTestId('needs').waitFor();
    const border = (locator) =>
      locator.evaluate((node) => {
        const style = getComputedStyle(node);
        return [style.borderTopStyle, style.outlineStyle];
      });
    assert.ok((await border(page.getByTestId('nav-overview'))).includes('solid'));
    await assertAccessible(page, 'forced colours, overview');
    await goTo(page, '#/insights');
    const chosen = page.getByRole('radiogroup').locator('label.on');
    assert.ok((await border(chosen)).includes('solid'));
    await assertAccessible(page, 'forced colours, insights');
    await goTo(page, '#/settings/general');
    await assertAccessible(page, 'forced colours, settings');
  });

  it('the window can be as small as 900 × 600', async () => {
    await open({}, '#/overview', { viewport: { width: 900, height: 600 } });
    await page.getByTestId('needs').waitFor();
    const sticksOut = () =>
      page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    for (const hash of ['#/overview', '#/insights', '#/settings/api', '#/settings/retry']) {
      await goTo(page, hash);
      assert.equal(await sticksOut(), false, hash);
    }
  });
});

describe('accessibility', () => {
  for (const theme of ['Light', 'Dark']) {
    it(`has no finding in the first run and what lies over every screen, ${theme.toLowerCase()}`, async () => {
      await open({}, '#/welcome');
      await chooseTheme(page, theme);
      await page.getByTestId('welcome-next').click();
      await assertAccessible(page, `${theme} welcome, begin`);
      await page.getByTestId('welcome-next').click();
      await page.getByRole('switch').first().waitFor();
      await assertAccessible(page, `${theme} welcome, background`);
      await page.getByTestId('relay-state').click();
      await page.getByRole('menu').waitFor();
      await assertAccessible(page, `${theme} pause menu`);
      await page.keyboard.press('Escape');
      await page.getByTestId('palette-open').click();
      await page.getByTestId('palette').waitFor();
      await assertAccessible(page, `${theme} palette`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, `${theme} help`);
    });
  }
});
