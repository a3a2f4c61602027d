/**
 * A list with a hundred thousand loaded rows. How long frames take is told and
 * not judged: it says more of the machine and its other work than of the page.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mockPages } from './mock-page.mjs';

const t = mockPages();
const { becomes } = t;
const ROWS = 100_000;

/** The frames of a stretch of scrolling in words. */
function told(frames) {
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const late = sorted.filter((ms) => ms > 33.4).length;
  const [median, p95, worst] = [at(0.5), at(0.95), sorted.at(-1)].map((ms) => ms.toFixed(1));
  return `${frames.length} frames, median ${median} ms, p95 ${p95} ms, longest ${worst} ms, ${late} over 33 ms`;
}

/** Scrolls as a wheel does; the frames meanwhile, and whether a row was always in the middle of the list. */
async function wheel(cdp, speed, distance) {
  await t.page.evaluate(() => {
    const scroller = document.querySelector('[data-scroller]');
    const box = scroller.getBoundingClientRect();
    const middle = box.top + box.height / 2;
    const watch = { frames: [], blank: 0, last: performance.now(), on: true };
    window.watch = watch;
    const look = () => {
      if (!watch.on) return;
      const now = performance.now();
      watch.frames.push(now - watch.last);
      watch.last = now;
      const rows = [...scroller.querySelectorAll('[data-row]')].map((row) =>
        row.getBoundingClientRect(),
      );
      if (!rows.some((row) => row.top <= middle && row.bottom >= middle)) watch.blank += 1;
      requestAnimationFrame(look);
    };
    look();
  });
  await cdp.send('Input.synthesizeScrollGesture', {
    x: 700,
    y: 500,
    yDistance: -distance,
    speed,
    gestureSourceType: 'mouse',
    preventFling: true,
  });
  return t.page.evaluate(() => {
    window.watch.on = false;
    return window.watch;
  });
}

describe('a hundred thousand rows', () => {
  it('load, scroll and stay up to date, while the page holds only those in sight', async (test) => {
    await t.open({ failed: ROWS }, '#/failed/items');
    // The mock's own way to a page goes through all rows each time.
    const { mock } = t.server;
    const failed = mock.items.filter(
      (item) => item.status === 'failed' && item.dismissedAt === null,
    );
    mock.page = (query) => {
      const from = Number(query.get('cursor') ?? 0);
      const to = from + Number(query.get('limit'));
      const items = failed
        .slice(from, to)
        .map(({ attemptLog: _a, payloadText: _p, ...item }) => item);
      return { items, nextCursor: to < ROWS ? String(to) : null, total: ROWS };
    };
    await t.page.reload();
    await t.row('failed-1').waitFor();
    const began = performance.now();
    await t.page.evaluate(async () => {
      const grid = document.querySelector('[role="grid"]');
      const scroller = document.querySelector('[data-scroller]');
      const wanted = Number(grid.getAttribute('aria-rowcount')) - 1;
      const height = document.querySelector('[data-row]').getBoundingClientRect().height;
      while (scroller.scrollHeight < wanted * height - 1) {
        scroller.scrollTop = scroller.scrollHeight;
        await new Promise(requestAnimationFrame);
      }
      scroller.scrollTop = scroller.scrollHeight;
    });
    test.diagnostic(`loaded in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await t.row(`failed-${ROWS}`).waitFor();
    await becomes(() => t.row(`failed-${ROWS}`).getAttribute('aria-rowindex'), String(ROWS + 1));

    // Rows far from the sight are not held: where one jumps to, they are read again, and the keyboard goes on.
    await t.page.locator('[data-scroller]').evaluate((element) => {
      element.scrollTo(0, element.scrollHeight / 2);
    });
    await t.row(`failed-${ROWS / 2 + 1}`).waitFor();
    await becomes(() => t.page.getByTestId('loading-row').count(), 0);
    await t
      .row(`failed-${ROWS / 2 + 1}`)
      .getByTestId('item-open')
      .focus();
    await t.page.keyboard.press('End');
    await becomes(() => t.focusedRow(), `failed-${ROWS}`);
    await t.page.keyboard.press('Home');
    await becomes(() => t.focusedRow(), 'failed-1');
    await t.row('failed-1').waitFor();
    const cdp = await t.page.context().newCDPSession(t.page);
    for (const [name, speed, distance] of [
      ['reading', 1500, 6000],
      ['fast', 10_000, 40_000],
      ['very fast', 60_000, 240_000],
    ]) {
      const { frames, blank } = await wheel(cdp, speed, distance);
      test.diagnostic(`${name} (${speed} px/s): ${told(frames)}`);
      assert.equal(blank, 0, `${name}: frames without a row in the middle`);
    }
    assert.ok((await t.page.locator('[data-row]').count()) < 80);

    // A change is asked about at the top and in sight, not in what is loaded.
    const before = t.calls('GET /items');
    failed[0].title = 'Changed meanwhile';
    const read = t.read();
    mock.emit({ items: ['failed-1'], orgs: false, routes: false });
    await read;
    await t.page.keyboard.press('Home');
    await t.page.locator('[data-scroller]').evaluate((element) => element.scrollTo(0, 0));
    await t.row('failed-1').getByText('Changed meanwhile').waitFor();
    assert.ok(t.calls('GET /items') - before <= 4);
  });
});
