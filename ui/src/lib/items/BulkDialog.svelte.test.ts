import { flushSync } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import type { Preflight } from '../backend/backend';
import { AT, mounted, page, SOURCE, TARGET } from '../testing/mounted';
import type { Question } from './actions.svelte';
import BulkDialog from './BulkDialog.svelte';

const plan: Preflight = {
  asOf: AT,
  selected: 50,
  send: 45,
  superseded: 5,
  notFailed: 0,
  notFound: 0,
  orgs: [
    {
      orgId: TARGET,
      send: 42,
      superseded: 5,
      heldBy: null,
      apiCalls: 42,
      apiUsage: { used: 90, max: 100 },
    },
    {
      orgId: SOURCE,
      send: 3,
      superseded: 0,
      heldBy: 'signInRequired',
      apiCalls: 3,
      apiUsage: null,
    },
  ],
};
const ids = Array.from({ length: 50 }, (_, n) => `item-${n}`);
const retry: Question = { action: 'retry', selection: { ids }, count: 50 };
const dismiss: Question = { action: 'dismiss', selection: { ids: ['item-1'] }, count: 1 };
const done = { changed: 45, refused: [], runId: 'run-1' };

describe('the look ahead of a retry', () => {
  it('says what is sent, at what cost, what waits and why, and marks production', async () => {
    const { find, reads, text, all } = mounted(
      BulkDialog,
      { question: retry },
      page({ preflight: () => Promise.resolve(plan) }),
    );
    expect(text()).toContain('Retry 50 items?');
    const confirm = find('[data-testid="bulk-confirm"]') as HTMLButtonElement;
    expect(confirm.disabled, 'before it is known what would happen').toBe(true);
    await reads('42 items will be sent, costing 42 API calls');
    for (const words of [
      '3 items will wait: The sign-in to the target org no longer works.',
      '5 items are superseded by a newer change and not sent',
      'One of them is a production org.',
      'more than are left',
    ]) {
      expect(text()).toContain(words);
    }
    expect(all('[data-testid="plan-org"]')).toHaveLength(2);
    expect(confirm.disabled).toBe(false);
  });

  it('keeps from sending what nobody could look at, until that was possible', async () => {
    const preflight = vi.fn().mockRejectedValueOnce(new Error('The store is locked.'));
    preflight.mockResolvedValue(plan);
    const { find, reads, press } = mounted(BulkDialog, { question: retry }, page({ preflight }));
    await reads('What would happen could not be found out: The store is locked.');
    expect((find('[data-testid="bulk-confirm"]') as HTMLButtonElement).disabled).toBe(true);
    press('Try again');
    await reads('42 items will be sent');
  });
});

it('does not take another question along when it is told late that it was closed', () => {
  const app = page({ preflight: () => Promise.resolve(plan) });
  app.actions.asking = retry;
  const { find } = mounted(BulkDialog, { question: retry }, app);
  app.actions.asking = dismiss;
  find('dialog').dispatchEvent(new Event('close'));
  expect(app.actions.asking).toBe(dismiss);
  app.actions.asking = retry;
  find('dialog').dispatchEvent(new Event('close'));
  expect(app.actions.asking).toBeNull();
});

describe('the question before a dismissal', () => {
  it('wants a reason, and looks ahead at nothing where it is one', async () => {
    const preflight = vi.fn();
    const dismissed = vi.fn(() => Promise.resolve(done));
    const app = page({ preflight, dismiss: dismissed });
    const { find, reads } = mounted(BulkDialog, { question: dismiss }, app);
    find('[data-testid="dismiss-confirm"]').click();
    await reads('Please give a reason');
    expect(find('textarea').getAttribute('aria-invalid')).toBe('true');
    const field = find('textarea') as HTMLTextAreaElement;
    field.value = '  Test data ';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    find('[data-testid="dismiss-confirm"]').click();
    await vi.waitFor(() => expect(dismissed).toHaveBeenCalledWith(dismiss.selection, 'Test data'));
    expect(preflight).not.toHaveBeenCalled();
  });
});
