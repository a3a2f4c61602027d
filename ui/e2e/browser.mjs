import { chromium } from 'playwright-core';
import AxeBuilder from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser; `CHROMIUM_PATH` names another one. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ARGS,
  });
}

/** The screens, by the address that shows each. */
export const SCREENS = [
  '#/overview',
  '#/failed/causes',
  '#/failed/items',
  '#/failed/dismissed',
  '#/failed/own',
  '#/queue/queued',
  '#/queue/retrying',
  '#/queue/sending',
  '#/queue/held',
  '#/activity/events',
  '#/activity/work-items',
  '#/orgs/cards',
  '#/orgs/map',
  '#/insights',
  '#/audit',
  '#/runs',
  '#/settings/general',
  '#/settings/notifications',
  '#/settings/retry',
  '#/settings/privacy',
  '#/settings/api',
  '#/settings/data',
  '#/settings/appearance',
  '#/settings/keyboard',
  '#/settings/diagnostics',
  '#/settings/about',
  '#/welcome',
];

/** How long a page may take for what it is to do; Playwright's own patience. */
const PATIENCE_MS = 30_000;

/**
 * Waits until what is read from the page is as wanted, or matches; fails with the
 * difference if it never is. It is read again when the page has drawn a frame.
 */
export async function becomes(page, read, wanted, what) {
  const deadline = performance.now() + PATIENCE_MS;
  const is = (value) =>
    wanted instanceof RegExp ? wanted.test(value) : isDeepStrictEqual(value, wanted);
  for (;;) {
    const value = await read();
    if (is(value)) return;
    if (performance.now() > deadline) {
      if (wanted instanceof RegExp) assert.match(value, wanted, what);
      assert.deepEqual(value, wanted, what);
    }
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/** Fails with the names of the broken rules if axe finds anything; `without` names rules that do not apply. */
export async function assertAccessible(page, where, without = []) {
  assert.equal(page.frames().length, 1, 'frames within the page would have to be looked at too');
  // The checker is injected as a script, which the page's own policy rightly forbids.
  const { violations } = await new AxeBuilder({ page })
    // What is right is not told, which takes longer than finding it. Without frames none have to be joined.
    .options({ resultTypes: ['violations'] })
    .setLegacyMode(true)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .disableRules(without)
    .analyze();
  const found = violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`,
  );
  assert.deepEqual(found, [], where);
}

/** Chooses a theme as a user does. */
export async function chooseTheme(page, name) {
  await page.getByTestId('theme').click();
  await page.getByRole('menuitemradio', { name, exact: true }).click();
  await page.locator(`:root[data-theme="${name.toLowerCase()}"]`).waitFor();
}

/** Goes to a screen and waits until its data is shown. */
export async function goTo(page, hash) {
  await page.evaluate((address) => {
    location.hash = address;
  }, hash);
  if (hash.startsWith('#/item/')) await page.getByTestId('item-body').waitFor();
  else if (hash === '#/overview') await page.getByTestId('headline').waitFor();
  else await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  await page.getByText('Loading…', { exact: true }).waitFor({ state: 'detached' });
}
