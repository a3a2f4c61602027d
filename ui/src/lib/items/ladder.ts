import type { Attempt, ItemDetail } from '../backend/backend';
import { parseDuration } from '../shared/time';

/** One step of the retry schedule, as far as it has come for an item. */
export interface Rung {
  number: number;
  /** The wait before it, as the settings write it. */
  wait: string;
  state: 'done' | 'sending' | 'next' | 'waiting' | 'planned' | 'skipped';
  /** The attempt made, for a rung that is done. */
  attempt: Attempt | null;
  /** When it was or is to be; null where that is not known. */
  at: string | null;
}

const OVER = new Set(['synced', 'superseded', 'failed']);

/**
 * The rungs of the item's present cycle. Tries that do not count against the
 * schedule are no rungs. Times after the next one assume that each attempt
 * fails at once: they are the earliest there can be.
 */
export function ladder(item: ItemDetail, schedule: readonly string[]): Rung[] {
  const made = item.attemptLog.filter(
    (attempt) =>
      attempt.cycle === item.cycle &&
      (attempt.counted || attempt.outcome === 'synced' || attempt.outcome === 'superseded'),
  );
  let plannedAt = item.nextAttemptAt === null ? null : Date.parse(item.nextAttemptAt);
  return schedule.map((wait, index) => {
    const number = index + 1;
    const attempt = made[index] ?? null;
    if (attempt !== null) return { number, wait, state: 'done', attempt, at: attempt.startedAt };
    if (OVER.has(item.status)) return { number, wait, state: 'skipped', attempt, at: null };
    if (index === made.length) {
      if (item.status === 'processing') {
        plannedAt = null;
        return { number, wait, state: 'sending', attempt, at: null };
      }
      const state = item.nextAttemptAt === null || item.heldBy !== null ? 'waiting' : 'next';
      return { number, wait, state, attempt, at: state === 'next' ? item.nextAttemptAt : null };
    }
    const step = parseDuration(wait);
    plannedAt = plannedAt === null || step === null ? null : plannedAt + step;
    const known = plannedAt !== null && item.heldBy === null;
    return {
      number,
      wait,
      state: 'planned',
      attempt,
      at: known && plannedAt !== null ? new Date(plannedAt).toISOString() : null,
    };
  });
}
