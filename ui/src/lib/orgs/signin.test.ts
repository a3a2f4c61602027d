import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend, SignIn } from '../backend/backend';
import { SignInFlow } from './signin.svelte';

const waiting: SignIn = {
  id: 's1',
  state: 'waiting',
  authorizeUrl: 'https://login.example/',
  expiresAt: null,
  orgId: null,
  problem: null,
};
const connected: SignIn = { ...waiting, state: 'connected', authorizeUrl: null, orgId: '00D1' };

describe('a sign-in', () => {
  const backend = {
    openUrl: vi.fn(() => Promise.resolve()),
    signIn: vi.fn(() => Promise.resolve(waiting)),
    cancelSignIn: vi.fn(() => Promise.resolve()),
  };
  const done = vi.fn();
  const begin = (first: SignIn) =>
    new SignInFlow(backend as unknown as Backend, () => Promise.resolve(first), done);

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    backend.signIn.mockResolvedValue(waiting);
  });
  afterEach(() => vi.useRealTimers());

  it('opens the browser and is looked at until it is over', async () => {
    const flow = begin(waiting);
    await flow.start();
    expect(backend.openUrl).toHaveBeenCalledExactlyOnceWith('https://login.example/');
    await vi.advanceTimersByTimeAsync(3000);
    expect(flow.waiting).toBe(true);
    backend.signIn.mockResolvedValue(connected);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toHaveBeenCalledExactlyOnceWith('00D1');
    const looks = backend.signIn.mock.calls.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(backend.signIn.mock.calls.length).toBe(looks);
    flow.close();
    expect(backend.cancelSignIn).not.toHaveBeenCalled();
  });

  it('needs no browser where the Salesforce CLI did it', async () => {
    const flow = begin({ ...connected, id: null });
    await flow.start();
    expect(backend.openUrl).not.toHaveBeenCalled();
    expect(done).toHaveBeenCalledOnce();
  });

  it('goes on waiting while the program does not answer', async () => {
    const flow = begin(waiting);
    await flow.start();
    backend.signIn.mockRejectedValueOnce(new Error('gone'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(flow.waiting).toBe(true);
    backend.signIn.mockResolvedValue(connected);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toHaveBeenCalledOnce();
  });

  it('is given up when nobody waits any more', async () => {
    const flow = begin(waiting);
    await flow.start();
    flow.close();
    expect(backend.cancelSignIn).toHaveBeenCalledExactlyOnceWith('s1');
    backend.signIn.mockResolvedValue(connected);
    await vi.advanceTimersByTimeAsync(5000);
    expect(done).not.toHaveBeenCalled();
  });

  it('says why it did not begin', async () => {
    const flow = new SignInFlow(
      backend as unknown as Backend,
      () => Promise.reject(new Error('Port 1717 is taken.')),
      done,
    );
    await flow.start();
    expect(flow.failure).toBe('Port 1717 is taken.');
  });
});
