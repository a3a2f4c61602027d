import { describe, expect, it } from 'vitest';
import { ITEM_STATUSES } from '../backend/backend';
import { PRESENTATIONS, shownStatus } from './presentation';

const item = { status: 'queued', heldBy: null, dismissedAt: null } as const;

describe('the status table', () => {
  it('has a word, a tone and an icon of its own for every status and mark', () => {
    const shown = [...ITEM_STATUSES, 'held', 'dismissed'] as const;
    expect(Object.keys(PRESENTATIONS).sort()).toEqual([...shown].sort());
    for (const property of ['word', 'tone', 'icon'] as const) {
      const values = shown.map((status) => PRESENTATIONS[status][property]);
      expect(values.every(Boolean)).toBe(true);
      expect(new Set(values).size).toBe(shown.length);
    }
  });

  it.each([
    ['queued', 'Queued'],
    ['processing', 'Sending'],
    ['retrying', 'Retrying'],
    ['failed', 'Failed'],
    ['synced', 'Synced'],
    ['superseded', 'Superseded'],
  ] as const)('calls %s "%s"', (status, word) => {
    expect(PRESENTATIONS[shownStatus({ ...item, status })].word).toBe(word);
  });
});

describe('shownStatus', () => {
  it('shows a waiting item with a reason as held', () => {
    expect(shownStatus({ ...item, heldBy: 'olderItem' })).toBe('held');
    expect(shownStatus({ ...item, status: 'retrying', heldBy: 'orgPaused' })).toBe('held');
  });

  it('never calls held what is not waiting', () => {
    expect(shownStatus({ ...item, status: 'processing', heldBy: 'orgPaused' })).toBe('processing');
    expect(shownStatus({ ...item, status: 'failed', heldBy: 'orgPaused' })).toBe('failed');
  });

  it('shows only a failed item as dismissed', () => {
    const dismissedAt = '2026-01-01T00:00:00.000Z';
    expect(shownStatus({ ...item, status: 'failed', dismissedAt })).toBe('dismissed');
    expect(shownStatus({ ...item, status: 'synced', dismissedAt })).toBe('synced');
  });
});
