import { describe, expect, it, vi } from 'vitest';
import type { Backend, FailureGroup } from '../backend/backend';
import { byCause, byOrg, Insight, percent, windowMs, windowOf } from './insight.svelte';

const group = (failureKey: string, title: string, targetOrgId: string, count: number) =>
  ({ failureKey, targetOrgId, count, cause: { title } }) as FailureGroup;

describe('insights', () => {
  it('take the window from the address, a day where it names none', () => {
    expect(['1h', '7d', '2y', undefined].map(windowOf)).toEqual(['1h', '7d', '24h', '24h']);
    expect(windowMs('7d')).toBe(604_800_000);
  });

  it('never round a share up to everything', () => {
    expect([percent(99.96), percent(100), percent(0.04), percent(66.666)]).toEqual([
      99.9, 100, 0, 66.6,
    ]);
  });

  it('rank causes as they are grouped, and orgs over all their causes', () => {
    const groups = [
      group('a', 'Busy', '00D1', 3),
      group('b', 'Refused', '00D1', 4),
      group('c', 'Busy', '00D2', 2),
    ];
    expect(byCause(groups).map(({ failureKey }) => failureKey)).toEqual(['b', 'a', 'c']);
    expect(byOrg(groups)).toEqual([
      { orgId: '00D1', count: 7 },
      { orgId: '00D2', count: 2 },
    ]);
  });

  it('never show one window’s figures for another', async () => {
    const answers: Record<string, (value: unknown) => void> = {};
    const backend = {
      stats: (window: string) => new Promise((resolve) => (answers[window] = resolve)),
      failures: () => Promise.resolve([]),
    };
    const insight = new Insight(backend as unknown as Backend, vi.fn());
    const day = insight.load('24h');
    const week = insight.load('7d');
    answers['7d']?.({ window: '7d' });
    await week;
    answers['24h']?.({ window: '24h' });
    await day;
    expect(insight.shown).toBe('7d');
    expect(insight.stats?.window).toBe('7d');
  });

  it('are of the org that is asked for, and show nothing of another meanwhile', async () => {
    const stats = vi.fn(() => Promise.resolve({ window: '24h' }));
    const backend = { stats, failures: () => Promise.resolve([]) };
    const insight = new Insight(backend as unknown as Backend, vi.fn());
    await insight.load('24h');
    const ofOne = insight.load('24h', '00D1');
    expect(insight.stats).toBeNull();
    await ofOne;
    expect(stats.mock.lastCall).toEqual(['24h', '00D1']);
    expect(insight.stats).not.toBeNull();
  });

  it('say that they could not be read, and keep what they had', async () => {
    const stats = vi.fn(() => Promise.resolve({ window: '24h' }));
    const backend = { stats, failures: () => Promise.resolve([]) };
    const insight = new Insight(backend as unknown as Backend, vi.fn());
    await insight.load('24h');
    stats.mockRejectedValueOnce(new Error('no'));
    await insight.load('24h');
    expect([insight.failed, insight.stats?.window]).toEqual([true, '24h']);
  });
});
