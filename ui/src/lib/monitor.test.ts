import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend, ChangeListener, Status } from './backend/backend';
import { Problem } from './backend/backend';
import { Monitor } from './monitor.svelte';

const status = { serverTime: '2026-01-01T00:00:00.000Z' } as Status;

function setUp() {
  let listener: ChangeListener | undefined;
  const backend = {
    status: vi.fn(() => Promise.resolve(status)),
    orgs: () => Promise.resolve([]),
    routes: () => Promise.resolve([]),
    listen: (given: ChangeListener) => {
      listener = given;
      return () => undefined;
    },
  };
  const monitor = new Monitor(backend as unknown as Backend);
  const stop = monitor.start();
  return { backend, monitor, stop, events: () => listener as ChangeListener };
}

describe('Monitor', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('rests while the events arrive', async () => {
    const { backend, events, stop, monitor } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    expect(monitor.link).toBe('live');
    const calls = backend.status.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(backend.status.mock.calls.length).toBe(calls);
    stop();
  });

  it('recovers by itself from a failed call, and lets the lists reload', async () => {
    const { backend, events, monitor, stop } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    backend.status.mockRejectedValueOnce(new Problem(0, 'UNREACHABLE', '', ''));
    await monitor.refresh();
    expect(monitor.link).toBe('lost');
    expect(monitor.status).toBe(status);
    const revision = monitor.revision;
    await vi.advanceTimersByTimeAsync(3000);
    expect(monitor.link).toBe('live');
    expect(monitor.revision).toBe(revision + 1);
    stop();
  });

  it('asks by itself while the event stream is down', async () => {
    const { backend, events, stop } = setUp();
    events().disconnected();
    await vi.advanceTimersByTimeAsync(0);
    const calls = backend.status.mock.calls.length;
    await vi.advanceTimersByTimeAsync(9500);
    expect(backend.status.mock.calls.length).toBe(calls + 3);
    stop();
  });

  it('knows a lost session from a lost connection', async () => {
    const { backend, monitor, stop } = setUp();
    backend.status.mockRejectedValue(new Problem(401, 'UNAUTHORIZED', '', ''));
    await vi.advanceTimersByTimeAsync(3000);
    expect(monitor.signedOut).toBe(true);
    stop();
  });
});
