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
  /** When the schedule had meant it to be, for a rung that is done; null where that is not known. */
  plannedAt: string | null;
  /** Tries for this rung that did not count against the schedule. */
  uncounted: number;
}

/** A cycle that a manual retry ended: the branch that was left. */
export interface PastCycle {
  cycle: number;
  /** What counted, oldest first. */
  attempts: Attempt[];
  uncounted: number;
  /** The manual retry that ended it; null where nothing is known of it. */
  retry: { at: string; actor: string | null; reason: string | null } | null;
}

type Told = Pick<
  ItemDetail,
  'attemptLog' | 'cycle' | 'status' | 'heldBy' | 'nextAttemptAt' | 'createdAt' | 'history'
>;

const OVER = new Set(['synced', 'superseded', 'failed']);

/** Whether an attempt is a rung: what the schedule counts, and what ended the item. */
function isRung(attempt: Attempt): boolean {
  return attempt.counted || attempt.outcome === 'synced' || attempt.outcome === 'superseded';
}

/** The manual retry that began a cycle; the first began by itself. */
function retryBefore(item: Pick<Told, 'history'>, cycle: number): PastCycle['retry'] {
  return item.history.filter((entry) => entry.action === 'retry')[cycle - 2] ?? null;
}

function after(at: string | null, ms: number | null): string | null {
  if (at === null || ms === null) return null;
  const time = Date.parse(at);
  return Number.isNaN(time) ? null : new Date(time + ms).toISOString();
}

/**
 * The rungs of the item's present cycle. Times after the next one assume that
 * each attempt fails at once: they are the earliest there can be. What had been
 * planned is reckoned by the schedule as it is now.
 */
export function ladder(item: Told, schedule: readonly string[]): Rung[] {
  const log = item.attemptLog.filter((attempt) => attempt.cycle === item.cycle);
  const made = log.filter(isRung);
  const began = item.cycle === 1 ? item.createdAt : (retryBefore(item, item.cycle)?.at ?? null);
  /** When the attempt before ended, or the cycle began. */
  let before = began;
  let plannedAt = item.nextAttemptAt;
  return schedule.map((wait, index) => {
    const number = index + 1;
    const attempt = made[index] ?? null;
    // Uncounted tries keep the number of the attempt that they were to be.
    const uncounted = log.filter((one) => !isRung(one) && one.number === number).length;
    const rung = { number, wait, attempt, at: null, plannedAt: null, uncounted };
    const step = parseDuration(wait);
    if (attempt !== null) {
      const meant = after(before, step);
      before = after(attempt.startedAt, attempt.durationMs ?? 0);
      return { ...rung, state: 'done', at: attempt.startedAt, plannedAt: meant };
    }
    if (OVER.has(item.status)) return { ...rung, state: 'skipped' };
    if (index === made.length) {
      if (item.status === 'processing') {
        plannedAt = null;
        return { ...rung, state: 'sending' };
      }
      const state = item.nextAttemptAt === null || item.heldBy !== null ? 'waiting' : 'next';
      return { ...rung, state, at: state === 'next' ? item.nextAttemptAt : null };
    }
    plannedAt = after(plannedAt, step);
    return { ...rung, state: 'planned', at: item.heldBy === null ? plannedAt : null };
  });
}

/** The cycles that manual retries ended, the last one first. */
export function pastCycles(item: Told): PastCycle[] {
  return Array.from({ length: Math.max(0, item.cycle - 1) }, (_, index) => {
    const cycle = item.cycle - 1 - index;
    const log = item.attemptLog.filter((attempt) => attempt.cycle === cycle);
    return {
      cycle,
      attempts: log.filter(isRung),
      uncounted: log.filter((attempt) => !isRung(attempt)).length,
      retry: retryBefore(item, cycle + 1),
    };
  });
}
