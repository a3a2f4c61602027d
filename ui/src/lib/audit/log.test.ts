import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActivityEntry, ActivityPage, Backend } from '../backend/backend';
import { ActivityLog } from './log.svelte';

const entry = (id: number) => ({ id, action: 'item.retry' }) as ActivityEntry;
const page = (ids: number[], nextCursor: string | null = null): ActivityPage => ({
  activity: ids.map(entry),
  nextCursor,
});

describe('the log', () => {
  const activity = vi.fn<Backend['activity']>();
  const problems = vi.fn();
  let log: ActivityLog;

  beforeEach(() => {
    vi.resetAllMocks();
    vi.useFakeTimers();
    log = new ActivityLog({ activity } as unknown as Backend, problems);
  });

  afterEach(() => vi.useRealTimers());

  const ids = () => log.entries.map((one) => one.id);

  it('asks for what the filter lets through, and goes on from there', async () => {
    activity.mockResolvedValueOnce(page([3, 2], 'c')).mockResolvedValueOnce(page([1]));
    await log.show({ action: 'item.' });
    await log.more();
    expect(activity.mock.calls).toEqual([
      [100, null, { action: 'item.' }],
      [100, 'c', { action: 'item.' }],
    ]);
    expect(ids()).toEqual([3, 2, 1]);
    expect(log.nextCursor).toBeNull();
  });

  it('puts what is new in front and keeps what was loaded', async () => {
    activity.mockResolvedValueOnce(page([2, 1], 'c')).mockResolvedValueOnce(page([3, 2], 'b'));
    await log.show({});
    await log.refresh();
    expect(ids()).toEqual([3, 2, 1]);
    expect(log.nextCursor).toBe('c');
  });

  it('begins anew where there may be a gap', async () => {
    activity.mockResolvedValueOnce(page([2, 1], 'c')).mockResolvedValueOnce(page([9, 8], 'b'));
    await log.show({});
    await log.refresh();
    expect(ids()).toEqual([9, 8]);
    expect(log.nextCursor).toBe('b');
  });

  it('drops an answer to a filter that is not chosen any more', async () => {
    let answer: (value: ActivityPage) => void = () => undefined;
    activity.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    activity.mockResolvedValueOnce(page([5]));
    const first = log.show({ actor: 'user:ana' });
    const second = log.show({ actor: 'cli' });
    answer(page([1]));
    await vi.runAllTimersAsync();
    await Promise.all([first, second]);
    expect(ids()).toEqual([5]);
  });

  it('says that it could not be loaded only where nothing is shown', async () => {
    activity.mockRejectedValueOnce(new Error('no'));
    await log.show({});
    expect(log.phase).toBe('error');
    activity.mockResolvedValueOnce(page([1])).mockRejectedValueOnce(new Error('no'));
    await log.refresh();
    await log.refresh();
    expect(log.phase).toBe('ready');
    expect(problems).toHaveBeenCalledTimes(2);
  });
});
