import { describe, expect, it } from 'vitest';
import { dueText } from './due';

const here = { health: 'connected' } as const;
const away = { health: 'orgUnreachable' } as const;

describe('dueText', () => {
  it('says that it is due, or why it is not sent although it is', () => {
    expect(dueText({ status: 'retrying', heldBy: null }, here, true)).toBe('due now');
    expect(dueText({ status: 'queued', heldBy: null }, null, true)).toBe('due now');
    expect(dueText({ status: 'retrying', heldBy: 'orgUnreachable' }, away, true)).toBe(
      'due, waiting for network',
    );
    expect(dueText({ status: 'retrying', heldBy: null }, here, false)).toBe(
      'due, waiting for network',
    );
  });

  it('promises nothing while somebody has to release it', () => {
    expect(dueText({ status: 'queued', heldBy: 'orgPaused' }, away, true)).toBe(
      'when it is released',
    );
  });

  it('says nothing of what is not waiting', () => {
    expect(dueText({ status: 'processing', heldBy: null }, away, false)).toBe('');
    expect(dueText({ status: 'failed', heldBy: null }, here, true)).toBe('');
  });
});
