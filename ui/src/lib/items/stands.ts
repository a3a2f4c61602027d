import type { ItemDetail } from '../backend/backend';
import { m } from '../shared/messages';
import { shownStatus } from '../status/presentation';

type Told = Pick<
  ItemDetail,
  'status' | 'heldBy' | 'dismissedAt' | 'attempts' | 'cycle' | 'attemptLog'
>;

/** Where an item stands, in one sentence; for one that is tried again the next time belongs behind it. */
export function standsSentence(item: Told, rungs: number): string {
  const words = m.item.stands;
  switch (shownStatus(item)) {
    case 'held':
      return words.held;
    case 'queued':
      return item.cycle > 1 ? words.queuedAgain(item.cycle) : words.queued;
    case 'processing':
      return words.processing(Math.min(item.attempts + 1, rungs), rungs);
    case 'retrying':
      return words.retrying(item.attempts, rungs);
    case 'dismissed':
      return words.dismissed;
    case 'failed':
      return words.failed(item.attempts, rungs);
    case 'synced':
      // The target may have sent the change itself before it was delivered.
      return item.attemptLog.some((attempt) => attempt.outcome === 'synced')
        ? words.synced(item.attempts)
        : words.syncedElsewhere;
    case 'superseded':
      return words.superseded;
  }
}
