import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend } from './backend';
import { Pace } from './pace.svelte';

const later = <T>(value: T, ms: number) =>
  new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));

describe('the pace of the program', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function setUp(ms: { now: number }) {
    const pace = new Pace();
    const backend = {
      runs: () => later('runs', ms.now),
      testOrg: () => later('tested', ms.now),
      fails: 0,
      status: () => later(null, ms.now).then(() => Promise.reject(new Error('no'))),
    };
    return { pace, backend: pace.watch(backend as unknown as Backend) };
  }

  it('is slow from when an answer is overdue until one comes in time', async () => {
    const ms = { now: 5000 };
    const { pace, backend } = setUp(ms);
    const answer = backend.runs(1, null);
    await vi.advanceTimersByTimeAsync(1999);
    expect(pace.slow).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(pace.slow).toBe(true);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await answer).toBe('runs');
    expect(pace.slow).toBe(true);
    ms.now = 10;
    void backend.runs(1, null);
    await vi.advanceTimersByTimeAsync(10);
    expect(pace.slow).toBe(false);
  });

  it('stays slow while one answer is still overdue', async () => {
    const ms = { now: 60_000 };
    const { pace, backend } = setUp(ms);
    void backend.runs(1, null);
    await vi.advanceTimersByTimeAsync(3000);
    ms.now = 10;
    void backend.runs(1, null);
    await vi.advanceTimersByTimeAsync(10);
    expect(pace.slow).toBe(true);
  });

  it('lets what may take long take long', async () => {
    const { pace, backend } = setUp({ now: 60_000 });
    void backend.testOrg('00D');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(pace.slow).toBe(false);
  });

  it('passes a refusal on', async () => {
    const { pace, backend } = setUp({ now: 10 });
    const refused = expect(backend.status()).rejects.toThrow('no');
    await vi.advanceTimersByTimeAsync(10);
    await refused;
    expect(pace.slow).toBe(false);
  });
});
