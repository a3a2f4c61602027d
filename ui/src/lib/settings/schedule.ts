import { parseDuration } from '../shared/time';

/** The program takes no more attempts than these. */
export const MOST_ATTEMPTS = 20;
const LONGEST_MS = 30 * 86_400_000;

/** What is wrong with a wait. */
export type WaitProblem = 'unreadable' | 'tooLong';

/** One attempt in a schedule that is being edited. */
export interface Step {
  number: number;
  /** As it is written. */
  wait: string;
  problem: WaitProblem | null;
  /** How long after the change came in it is made at the earliest; null behind a wait that cannot be read. */
  atMs: number | null;
}

/** What is wrong with a wait, if anything. */
export function waitProblem(wait: string): WaitProblem | null {
  const ms = parseDuration(wait.trim());
  if (ms === null) return 'unreadable';
  return ms > LONGEST_MS ? 'tooLong' : null;
}

/** The attempts of a schedule and when each is made, if every one of them fails at once. */
export function stepsOf(waits: readonly string[]): Step[] {
  let atMs: number | null = 0;
  return waits.map((wait, index) => {
    const problem = waitProblem(wait);
    const ms = parseDuration(wait.trim());
    atMs = atMs === null || ms === null ? null : atMs + ms;
    return { number: index + 1, wait, problem, atMs };
  });
}

/** Whether a schedule can be saved. */
export function isSound(waits: readonly string[]): boolean {
  return (
    waits.length > 0 &&
    waits.length <= MOST_ATTEMPTS &&
    waits.every((wait) => waitProblem(wait) === null)
  );
}

/** A wait for one more attempt: as long as the last, or a minute where there is none to go by. */
export function nextWait(waits: readonly string[]): string {
  const last = waits.at(-1)?.trim() ?? '';
  return waitProblem(last) === null && parseDuration(last) !== 0 ? last : '1m';
}
