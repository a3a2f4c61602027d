/** A page against a mock server of its own for each test, and what tests of lists ask of it. */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { becomes, launch } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const SIZE = { width: 1280, height: 800 };

/**
 * Sets up the tests of a file; call it once. What all of them need of the stand-in,
 * of the browser's context and of the page before it is opened may be given.
 */
export function mockPages({ mock = {}, context = {}, prepare = async () => undefined } = {}) {
  let browser;
  let complaints = [];
  const it = {
    page: null,
    server: null,
    /** Opens a page on an address, prepared once more by `more`; tells the page and the stand-in. */
    async open(options = {}, hash = '', { context: own = {}, prepare: more } = {}) {
      it.server = await startMock({ ...mock, ...options });
      const made = await browser.newContext({ viewport: SIZE, ...context, ...own });
      it.page = await made.newPage();
      complaints = [];
      it.page.on('pageerror', (error) => complaints.push(error.message));
      it.page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
      });
      await prepare(it.page);
      await more?.(it.page);
      await it.page.goto(it.server.url + hash);
      return { page: it.page, server: it.server };
    },
    /** Waits until what is read from the page is as wanted, or matches. */
    becomes: (read, wanted, what) => becomes(it.page, read, wanted, what),
    row: (id) => it.page.locator(`[data-testid="item-row"][data-id="${id}"]`),
    box: (id) => it.row(id).getByRole('checkbox'),
    item: (id) => it.server.mock.items.find((item) => item.id === id),
    /** Waits until the page says it. */
    notice: (text) => it.page.getByTestId('notice').filter({ hasText: text }).waitFor(),
    /** Waits until the list says that it has so many: the whole text, or what it matches. */
    count: (text) =>
      it.page
        .getByTestId('list-count')
        .filter({ hasText: text instanceof RegExp ? text : new RegExp(`^${text}$`) })
        .waitFor(),
    /** How often the page has asked for something so far, as `METHOD path`. */
    calls: (name) => it.server.mock.calls.filter((call) => call === name).length,
    /** The body of the last call of that kind. */
    lastBody: () => it.server.mock.bodies.at(-1),
    /** What the focus is on: the ID of its row. */
    focusedRow: () =>
      it.page.evaluate(() => document.activeElement?.closest('[data-row]')?.dataset.row),
    /** Waits for the answer to the list's next reading. */
    read: () => it.page.waitForResponse((response) => response.url().includes('/items?')),
  };

  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  afterEach(async () => {
    await it.page.context().close();
    await it.server.cut();
    assert.deepEqual(complaints, []);
  });
  return it;
}
