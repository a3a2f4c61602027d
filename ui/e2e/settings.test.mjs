/** The settings, in a browser and in the desktop window, against the mock server. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, describe, it } from 'node:test';
import { assertAccessible } from './browser.mjs';
import { ORGS } from './mock-data.mjs';
import { mockPages } from './mock-page.mjs';

const t = mockPages({
  mock: { demo: false },
  context: { permissions: ['clipboard-read', 'clipboard-write'] },
});
const { becomes, notice } = t;
let server;
let page;

async function open(hash, prepare) {
  ({ page, server } = await t.open({}, hash, { prepare }));
}

const content = () => page.getByTestId('settings-content');
const told = (name) => server.mock.program.setting(name);

describe('a setting', () => {
  it('is changed in place, and says that it waits for the next start', async () => {
    await open('#/settings/general');
    const field = page.getByLabel('Probe interval', { exact: true });
    await field.fill('1m');
    await field.press('Enter');
    await content().getByText('Saved. It takes effect when the program is started').waitFor();
    await page.getByTestId('settings-pending').getByText('1 change takes effect').waitFor();
    assert.equal(told('delivery.probe_interval').value, '1m');
    await page.getByRole('button', { name: 'Probe interval: back to the default, 30s' }).click();
    await page.getByTestId('settings-pending').waitFor({ state: 'detached' });
    await becomes(() => field.inputValue(), '30s');
    assert.equal(told('delivery.probe_interval').source, 'default');
  });

  it('that is wrong says what it must be, and keeps what was written', async () => {
    await open('#/settings/general');
    const field = page.getByLabel('Requests to one org at a time');
    await field.fill('0');
    await field.press('Tab');
    await content().getByText('it must be a whole number from 1 to 64').waitFor();
    assert.equal(await field.inputValue(), '0');
    await becomes(() => field.getAttribute('aria-invalid'), 'true');
    await assertAccessible(page, 'a refused setting');
    await field.fill('4');
    await field.press('Tab');
    await content().getByText('it must be').waitFor({ state: 'detached' });
    await becomes(() => told('delivery.concurrency_per_org').value, 4);
  });

  it('that a flag or the environment sets cannot be changed here, and says so', async () => {
    await open('#/settings/api');
    await becomes(() => page.getByLabel('Listener address').isDisabled(), true);
    await content().getByText('Set on the command line').waitFor();
    await page.getByTestId('settings-general').click();
    await becomes(() => page.getByLabel('Salesforce CLI').isDisabled(), true);
    await content().getByText('Set by an environment variable').waitFor();
  });

  it('is switched at once, and switched back where it could not be', async () => {
    await open('#/settings/notifications');
    const toggle = page.getByRole('switch', { name: 'Failed items' });
    await toggle.press('Space');
    await content().getByText('Saved, in effect').waitFor();
    assert.equal(told('desktop.notify_failures').value, false);
    server.mock.problems.set('PATCH /settings', {
      status: 500,
      code: 'SERVER_ERROR',
      detail: 'The file cannot be written.',
    });
    await toggle.press('Space');
    await content().getByText('The file cannot be written.').waitFor();
    await becomes(() => toggle.isChecked(), false);
  });

  it('says that it could not be loaded, and comes when it can', async () => {
    await open('#/settings/appearance', async (made) => {
      await made.route('**/api/v1/settings', (route) => route.abort());
    });
    await page.getByTestId('settings-general').click();
    await page.getByText('This could not be loaded').waitFor();
    await page.unroute('**/api/v1/settings');
    // It comes by itself; whoever cannot wait has a button.
    await page.getByLabel('Probe interval', { exact: true }).waitFor();
  });
});

describe('the retry schedule', () => {
  beforeEach(() => open('#/settings/retry'));
  const waits = () => page.getByTestId('retry-schedule').getByRole('textbox');
  const save = () => page.getByRole('button', { name: 'Save', exact: true });

  it('is a ladder that can be longer, shorter and slower, by keyboard', async () => {
    await page.getByText('Then, 1 h 12 min 30 s after the change came').waitFor();
    await becomes(() => save().isDisabled(), true);
    await page.getByRole('button', { name: 'Add an attempt' }).press('Enter');
    await becomes(() => waits().count(), 6);
    await page.keyboard.type('2h');
    await page.getByText('Then, 3 h 12 min 30 s after the change came').waitFor();
    await page.getByRole('button', { name: 'Remove attempt 2' }).press('Enter');
    await page.getByText('Then, 3 h 12 min after the change came').waitFor();
    await save().press('Enter');
    await content()
      .getByTestId('retry-schedule')
      .getByText('It takes effect when the program is started')
      .waitFor();
    assert.deepEqual(told('retry.schedule').value, ['0s', '2m', '10m', '1h', '2h']);
    await page.getByRole('button', { name: 'Use the standard schedule' }).click();
    await save().click();
    await page.getByTestId('settings-pending').waitFor({ state: 'detached' });
  });

  it('is not saved with a wait that cannot be read', async () => {
    await waits().nth(2).fill('soon');
    await page.getByText('write it like 30s, 10m or 1h').waitFor();
    await becomes(() => save().isDisabled(), true);
    await waits().nth(2).fill('31d');
    await page.getByText('at most 30 days').waitFor();
    await assertAccessible(page, 'a wait that cannot be');
    await page.getByRole('button', { name: 'Discard' }).click();
    await becomes(() => waits().nth(2).inputValue(), '2m');
  });
});

describe('tokens', () => {
  beforeEach(async () => {
    await open('#/settings/api');
    await page.getByTestId('token-row').first().waitFor();
  });

  it('are made, shown once, copied, and revoked', async () => {
    await page.getByTestId('token-add').click();
    await page.getByTestId('token-create').click();
    await page.getByText('Please give it a name').waitFor();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('billing');
    await page.getByTestId('token-create').click();
    await page.getByText('Please choose at least one org').waitFor();
    await assertAccessible(page, 'the dialog for a token');
    await page.getByRole('dialog').getByRole('checkbox').first().check();
    await page.getByLabel('Other org IDs').fill('00D0z000000CSTMEA0');
    await page.getByTestId('token-create').click();
    const secret = await page.getByTestId('token-secret').inputValue();
    assert.match(secret, /^smt_/);
    assert.deepEqual(server.mock.bodies.at(-1).sourceOrgIds, [ORGS.client, '00D0z000000CSTMEA0']);
    await assertAccessible(page, 'the secret');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await becomes(() => page.getByText(secret).count(), 0);
    const row = page.getByTestId('token-row').filter({ hasText: 'billing' });
    await row.getByRole('button', { name: 'Revoke the token billing' }).click();
    await page.getByTestId('token-revoke-confirm').click();
    await notice('The token billing is revoked');
    await row.getByText('revoked').waitFor();
  });

  it('are not revoked by mistake', async () => {
    await page.getByRole('button', { name: 'Revoke the token nightly import' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.ok(!server.mock.calls.some((call) => call.startsWith('DELETE')));
  });
});

describe('the store', () => {
  beforeEach(async () => {
    await open('#/settings/data');
    await page.getByText('48.2 MB').waitFor();
  });

  it('is checked, and says what is wrong', async () => {
    await page.getByTestId('store-check').click();
    await page.getByText('The store is sound.').waitFor();
    server.mock.program.checked = { ok: false, problems: ['row 7 missing from index due'] };
    await page.getByTestId('store-check').click();
    await page.getByText('row 7 missing from index due').waitFor();
    await assertAccessible(page, 'a store with a problem');
  });

  it('is backed up, and says where to, or why not', async () => {
    await page.getByTestId('store-backup').click();
    await page.getByText('backups/sync-monitor-20260301-101500.db').waitFor();
    server.mock.problems.set('POST /store/backup', {
      status: 507,
      code: 'NO_ROOM',
      detail: 'There is not enough room.',
    });
    await page.getByTestId('store-backup').click();
    await page.getByText('There is not enough room.').waitFor();
  });
});

describe('diagnostics', () => {
  it('are saved exactly as they are shown', async () => {
    await open('#/settings/diagnostics');
    const shown = await page.getByTestId('diagnostics').textContent();
    const saved = page.waitForEvent('download');
    await page.getByTestId('diagnostics-save').click();
    const file = await saved;
    assert.match(file.suggestedFilename(), /^sync-monitor-diagnostics-.*\.json$/);
    await notice(`Saved as ${file.suggestedFilename()}`);
    assert.equal(await readFile(await file.path(), 'utf8'), shown);
    assert.equal(JSON.parse(shown).version, '0.1.0');
  });
});

describe('a crash', () => {
  it('is told of on every page, with the way to its report, until it was seen', async () => {
    const crash = { path: '/data/crashes/crash-1.txt', summary: 'writer.rs:7:1: it cannot be' };
    await open('#/overview', async () => {
      t.server.mock.crash = crash;
    });
    const banner = page.getByTestId('crash-banner');
    assert.match(await banner.textContent(), /writer\.rs:7:1: it cannot be/);
    await banner.getByRole('link').click();
    await page.getByTestId('diagnostics').waitFor();
    await banner.getByRole('button').click();
    await banner.waitFor({ state: 'detached' });
    await becomes(() => server.mock.crash, null);
  });
});

describe('in the desktop window', () => {
  /** The bridge of the desktop program, over the mock server. */
  const bridge = (made) =>
    made.addInitScript(() => {
      const desktop = { autostart: false, trayShown: true };
      window.__TAURI_INTERNALS__ = {
        transformCallback: () => 1,
        invoke: async (command, given) => {
          if (command === 'desktop_info') return { ...desktop };
          if (command === 'set_autostart') {
            if (window.refuseAutostart) throw 'The folder cannot be written.';
            desktop.autostart = given.on;
            return null;
          }
          if (command === 'save_file') {
            if (window.refuseFiles) throw 'The folder cannot be written.';
            return `/home/ada/Downloads/${given.name}`;
          }
          if (command !== 'api_request') return null;
          const answer = await fetch(given.path, {
            method: given.method,
            body: given.body,
            headers: { 'X-Sync-Monitor': '1' },
          });
          return { status: answer.status, body: await answer.text() };
        },
      };
    });

  it('the program can start with the computer', async () => {
    await open('#/settings/general', bridge);
    const toggle = page.getByTestId('autostart');
    await toggle.waitFor();
    await becomes(() => toggle.isChecked(), false);
    await toggle.press('Space');
    await page.waitForFunction(() => document.querySelector('[data-testid="autostart"]').checked);
    await page.evaluate(() => (window.refuseAutostart = true));
    await toggle.press('Space');
    await notice('The folder cannot be written.');
    await becomes(() => toggle.isChecked(), true, 'it shows what holds');
    await assertAccessible(page, 'the desktop’s settings');
  });

  it('a file is kept by the program, which says where, or why not', async () => {
    await open('#/audit', bridge);
    await page.getByTestId('audit-export-csv').click();
    await notice('Saved as /home/ada/Downloads/sync-monitor-audit.csv');
    await page.evaluate(() => (window.refuseFiles = true));
    await page.getByTestId('audit-export-csv').click();
    await notice('The folder cannot be written.');
  });

  it('everything grows and shrinks by keys, is remembered, and still fits', async () => {
    await open('#/settings/appearance', bridge);
    await page.getByLabel('Size').waitFor();
    await page.keyboard.press('Control+=');
    await page.keyboard.press('Control+=');
    await becomes(() => page.getByLabel('Size').inputValue(), '125');
    await page.reload();
    await becomes(() => page.getByLabel('Size').inputValue(), '125');
    const foot = await page.getByRole('contentinfo').boundingBox();
    assert.ok(Math.abs(foot.y + foot.height - 800) < 2, 'the frame still fills the window');
    await page.keyboard.press('Control+-');
    await becomes(() => page.getByLabel('Size').inputValue(), '110');
    await page.keyboard.press('Control+0');
    await becomes(() => page.getByLabel('Size').inputValue(), '100');
  });
});

it('a browser keeps its own zoom and starts with nothing', async () => {
  await open('#/settings/general');
  await page.getByLabel('Probe interval', { exact: true }).waitFor();
  assert.equal(await page.getByTestId('autostart').count(), 0);
  await page.keyboard.press('Control+=');
  assert.equal(await page.evaluate(() => document.documentElement.style.zoom), '');
});
