/** A page against a mock server of its own for each test, and what tests of lists ask of it. */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { launch } from './browser.mjs';
import { startMock } from './mock-server.mjs';

/** Sets up the tests of a file; call it once. */
export function mockPages() {
  let browser;
  let complaints = [];
  const it = {
    page: null,
    server: null,
    /** Opens a page on an address; `size` is its width and height. */
    async open(options = {}, hash = '', size = { width: 1280, height: 800 }) {
      it.server = await startMock(options);
      const context = await browser.newContext({ viewport: size, acceptDownloads: true });
      it.page = await context.newPage();
      complaints = [];
      it.page.on('pageerror', (error) => complaints.push(error.message));
      it.page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
      });
      await it.page.goto(it.server.url + hash);
    },
    row: (id) => it.page.locator(`[data-testid="item-row"][data-id="${id}"]`),
    box: (id) => it.row(id).getByRole('checkbox'),
    item: (id) => it.server.mock.items.find((item) => item.id === id),
    /** Waits until the page says it. */
    notice: (text) => it.page.getByTestId('notice').filter({ hasText: text }).waitFor(),
    /** Waits until the list says that it has so many. */
    count: (text) =>
      it.page
        .getByTestId('list-count')
        .filter({ hasText: new RegExp(`^${text}$`) })
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
