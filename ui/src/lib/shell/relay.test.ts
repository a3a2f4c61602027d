import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import { Notices } from './notices.svelte';
import { pauseEnd, RelayActions } from './relay.svelte';

describe('a pause of the relay', () => {
  const now = new Date(2026, 1, 28, 23, 50).getTime();

  it('ends when it was said, tomorrow in the morning of this place', () => {
    expect(pauseEnd('quarter', now)).toBe(new Date(2026, 2, 1, 0, 5).toISOString());
    expect(pauseEnd('hour', now)).toBe(new Date(2026, 2, 1, 0, 50).toISOString());
    expect(pauseEnd('tomorrow', now)).toBe(new Date(2026, 2, 1, 8, 0).toISOString());
    expect(pauseEnd('open', now)).toBeNull();
  });

  function setUp() {
    const backend = { pauseRelay: vi.fn(() => Promise.resolve()), resumeRelay: vi.fn() };
    const refresh = vi.fn(() => Promise.resolve());
    const monitor = { backend, revision: 0, refresh, noteProblem: vi.fn() };
    const notices = new Notices();
    return {
      backend,
      monitor,
      notices,
      actions: new RelayActions(monitor as unknown as Monitor, notices),
    };
  }

  it('is said when it holds, and shown at once', async () => {
    const { actions, backend, monitor, notices } = setUp();
    await actions.pause(null);
    expect(backend.pauseRelay).toHaveBeenCalledWith(null);
    expect(notices.all.map((one) => one.kind)).toEqual(['done']);
    expect(monitor.refresh).toHaveBeenCalledOnce();
  });

  it('that did not come about is said too', async () => {
    const { actions, backend, notices } = setUp();
    backend.resumeRelay.mockRejectedValue(
      new Problem(500, 'SERVER_ERROR', '', 'The disk is full.'),
    );
    await actions.resume();
    expect(notices.all[0]).toMatchObject({ kind: 'error' });
    expect(notices.all[0]?.text).toContain('The disk is full.');
  });
});
