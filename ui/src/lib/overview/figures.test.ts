import { describe, expect, it, vi } from 'vitest';
import type { Backend, ItemFilter } from '../backend/backend';
import { Figures } from './figures.svelte';

const since = '2026-03-01T00:00:00.000Z';

function setUp() {
  const asked: ItemFilter[] = [];
  const backend = {
    items: vi.fn((filter: ItemFilter) => {
      asked.push(filter);
      const rows = [
        { nextAttemptAt: null, createdAt: since },
        { nextAttemptAt: '2026-03-01T10:00:00.000Z', createdAt: since },
      ];
      return Promise.resolve({ items: rows, nextCursor: null, total: asked.length });
    }),
    failures: () => Promise.resolve([]),
    stats: () => Promise.resolve({ buckets: [], gaps: [] }),
  };
  const onProblem = vi.fn();
  return {
    asked,
    backend,
    onProblem,
    figures: new Figures(backend as unknown as Backend, onProblem),
  };
}

describe('the figures of the overview', () => {
  it('count what the lists behind them ask for', async () => {
    const { asked, figures } = setUp();
    await figures.load('00D1', since);
    expect(asked).toEqual([
      { status: 'failed', targetOrgId: '00D1' },
      { status: 'retrying', targetOrgId: '00D1' },
      { status: 'queued', targetOrgId: '00D1' },
      { held: true, targetOrgId: '00D1' },
      { status: 'synced', since, targetOrgId: '00D1' },
    ]);
    expect(figures.tally).toMatchObject({ failed: 1, syncedToday: 5, since, orgId: '00D1' });
  });

  it('know the soonest attempt although held items have none, and the longest wait', async () => {
    const { figures } = setUp();
    await figures.load(null, since);
    expect(figures.tally).toMatchObject({ soonest: '2026-03-01T10:00:00.000Z', oldest: since });
  });

  it('never show one org’s numbers for another', async () => {
    vi.useFakeTimers();
    const { figures } = setUp();
    const first = figures.load('00D1', since);
    void figures.load('00D2', since);
    await vi.advanceTimersByTimeAsync(0);
    expect(figures.tally).toBeNull();
    await vi.advanceTimersByTimeAsync(2000);
    await first;
    expect(figures.tally?.orgId).toBe('00D2');
    expect(figures.stats).not.toBeNull();
    void figures.load(null, since);
    expect(figures.stats).toBeNull();
    vi.useRealTimers();
  });

  it('stay when they cannot be read again', async () => {
    const { backend, figures, onProblem } = setUp();
    await figures.load(null, since);
    const before = figures.tally;
    backend.items.mockRejectedValueOnce(new Error('no'));
    await figures.load(null, since);
    expect(figures.tally).toBe(before);
    expect(onProblem).toHaveBeenCalledOnce();
  });
});
