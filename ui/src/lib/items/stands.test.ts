import { describe, expect, it } from 'vitest';
import type { Attempt, ItemDetail } from '../backend/backend';
import { standsSentence } from './stands';

const says = (more: Partial<ItemDetail>) =>
  standsSentence(
    {
      status: 'queued',
      heldBy: null,
      dismissedAt: null,
      attempts: 0,
      cycle: 1,
      attemptLog: [],
      ...more,
    },
    5,
  );

describe('where an item stands', () => {
  it.each([
    [{}, 'Waiting for its first attempt'],
    [{ cycle: 2 }, 'Waiting for the first attempt after manual retry 1'],
    [{ heldBy: 'orgPaused' }, 'Waiting, not being sent'],
    [{ status: 'processing', attempts: 1 }, 'Attempt 2 of 5 is being sent'],
    [{ status: 'retrying', attempts: 3 }, 'Attempt 3 of 5 failed, next'],
    [{ status: 'failed', attempts: 5 }, 'All 5 attempts failed'],
    [{ status: 'failed', attempts: 1 }, 'Failed for good at attempt 1 of 5'],
    [{ status: 'failed', attempts: 5, dismissedAt: 'x' }, 'Taken out of the failed items'],
    [{ status: 'superseded' }, 'A newer version exists; nothing to do'],
    [{ status: 'synced' }, 'The target org has it already'],
  ] as const)('is said of %o: %s', (more, sentence) => {
    expect(says(more)).toBe(sentence);
  });

  it('is delivered at the attempt that did it', () => {
    const attemptLog = [{ outcome: 'synced' } as Attempt];
    expect(says({ status: 'synced', attempts: 1, attemptLog })).toBe(
      'Delivered at the first attempt',
    );
    expect(says({ status: 'synced', attempts: 3, attemptLog })).toBe('Delivered at attempt 3');
  });
});
