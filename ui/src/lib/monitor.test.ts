import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend, ChangeListener, Status } from './backend/backend';
import { Problem } from './backend/backend';
import { Monitor } from './monitor.svelte';

const status = { serverTime: '2026-01-01T00:00:00.000Z' } as Status;

function setUp() {
  let listener: ChangeListener | undefined;
  let answer: () => void = () => undefined;
  const backend = {
    items: () => new Promise<void>((resolve) => (answer = resolve)),
    answerItems: () => answer(),
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
    await vi.advanceTimersByTimeAsync(500);
    const calls = backend.status.mock.calls.length;
    await vi.advanceTimersByTimeAsync(9500);
    expect(backend.status.mock.calls.length).toBe(calls + 3);
    stop();
  });

  it('tells a cut event stream from a stopped program, and a short cut from a long one', async () => {
    const { events, monitor, stop } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    events().disconnected();
    await vi.advanceTimersByTimeAsync(1000);
    expect([monitor.link, monitor.trouble]).toEqual(['live', null]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(monitor.trouble).toBe('cut');
    events().connected();
    await vi.advanceTimersByTimeAsync(0);
    expect(monitor.trouble).toBeNull();
    stop();
  });

  it('says that the store fails, and finds out by itself that it works again', async () => {
    const { backend, events, monitor, stop } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    const { revision, asOf } = monitor;
    backend.status.mockRejectedValueOnce(new Problem(500, 'SERVER_ERROR', '', ''));
    await monitor.refresh();
    expect([monitor.link, monitor.trouble, monitor.asOf]).toEqual(['live', 'store', asOf]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(monitor.trouble).toBeNull();
    expect(monitor.revision).toBe(revision + 1);
    stop();
  });

  it('does not take a refusal of an org for trouble of its own', () => {
    const { monitor, stop } = setUp();
    monitor.noteProblem(new Problem(502, 'ORG_UNREACHABLE', '', ''));
    monitor.noteProblem(new Problem(503, 'CLI_MISSING', '', ''));
    monitor.noteProblem(new Problem(409, 'REFUSED', '', ''));
    expect(monitor.trouble).toBeNull();
    stop();
  });

  it('says that answers are slow, and asks until they are not', async () => {
    const { backend, events, monitor, stop } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    backend.status.mockImplementationOnce(
      () => new Promise((resolve) => setTimeout(() => resolve(status), 4000)),
    );
    void monitor.refresh();
    await vi.advanceTimersByTimeAsync(2500);
    expect(monitor.trouble).toBe('slow');
    await vi.advanceTimersByTimeAsync(5000);
    expect(monitor.trouble).toBeNull();
    stop();
  });

  it('finds out by itself that a slow answer was the only one', async () => {
    const { backend, events, monitor, stop } = setUp();
    events().connected();
    await vi.advanceTimersByTimeAsync(1000);
    void monitor.backend.items({}, 1, null);
    await vi.advanceTimersByTimeAsync(2000);
    expect(monitor.trouble).toBe('slow');
    backend.answerItems();
    await vi.advanceTimersByTimeAsync(3000);
    expect(monitor.trouble).toBeNull();
    stop();
  });

  it('knows a lost session from a lost connection', async () => {
    const { backend, monitor, stop } = setUp();
    backend.status.mockRejectedValue(new Problem(401, 'UNAUTHORIZED', '', ''));
    await vi.advanceTimersByTimeAsync(3000);
    expect(monitor.trouble).toBe('signedOut');
    stop();
  });
});
