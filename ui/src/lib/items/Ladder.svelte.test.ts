import { describe, expect, it } from 'vitest';
import type { Attempt, ItemDetail } from '../backend/backend';
import { clock } from '../shared/clock.svelte';
import { detail, mounted } from '../testing/mounted';
import Ladder from './Ladder.svelte';

const from = (seconds: number) => new Date(clock.peek() + seconds * 1000).toISOString();

const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  cycle: 1,
  startedAt: from(-5),
  durationMs: 100,
  outcome: 'retrying',
  httpStatus: 503,
  errorCode: null,
  message: null,
  responseBody: null,
  counted: true,
  ...more,
});

function shown(more: Partial<ItemDetail>) {
  const ladder = mounted(Ladder, { item: detail({ createdAt: from(-5), ...more }) });
  const rungs = () =>
    ladder.all('[data-rung]').map((rung) => [rung.dataset['rung'], rung.textContent ?? '']);
  return { ...ladder, rungs };
}

describe('the retry ladder', () => {
  it('has a rung for each attempt of the schedule: done, the next one counting down, planned', () => {
    const { rungs } = shown({
      status: 'retrying',
      nextAttemptAt: from(24.5),
      attemptLog: [attempt()],
    });
    expect(rungs().map(([state]) => state)).toEqual([
      'done',
      'next',
      'planned',
      'planned',
      'planned',
    ]);
    const [first, second] = rungs();
    expect(first?.[1]).toMatch(/Attempt 1\s+at once\s+Failed/);
    expect(second?.[1]).toMatch(/Attempt 2\s+after 30s\s+in\s+00:2[45]/);
  });

  it('says of an attempt that is overdue that it is due, never less than nothing', () => {
    const { rungs } = shown({
      status: 'retrying',
      nextAttemptAt: from(-60),
      attemptLog: [attempt()],
    });
    expect(rungs()[1]?.[1]).toContain('due');
    expect(rungs()[1]?.[1]).not.toContain('-');
  });

  it('says of what failed for good that the rest is not tried, of what is synced that it is not needed', () => {
    const failed = shown({ status: 'failed', attemptLog: [attempt({ outcome: 'failed' })] });
    expect(failed.rungs()[1]).toEqual(['skipped', expect.stringContaining('not tried')]);
    const synced = shown({
      status: 'synced',
      attemptLog: [attempt({ outcome: 'synced', httpStatus: 200 })],
    });
    expect(synced.rungs()[1]).toEqual(['skipped', expect.stringContaining('not needed')]);
  });

  it('shows what was tried before a manual retry as branches, and who retried', () => {
    const { all, text } = shown({
      status: 'failed',
      cycle: 2,
      attemptLog: [attempt({ outcome: 'failed' }), attempt({ outcome: 'failed', cycle: 2 })],
      history: [
        {
          at: from(-3),
          actor: 'user:ada',
          via: 'window',
          action: 'retry',
          reason: null,
          runId: null,
        },
      ] as ItemDetail['history'],
    });
    expect(text()).toContain('after manual retry 1 by ada');
    expect(all('[data-testid="branch"]').map((one) => one.textContent)).toEqual([
      expect.stringContaining('First try'),
    ]);
  });
});
