import type { Stats } from '../backend/backend';
import type { Span } from './scale';

/** One kind of value in a chart. */
export interface Series {
  name: string;
  tone: 'green' | 'red' | 'amber' | 'violet' | 'blue';
  /** A line that differs from another by more than its colour. */
  dashed?: boolean;
}

/** How wide a bucket is. */
export function bucketMs(stats: Pick<Stats, 'buckets'>, windowMs: number): number {
  const [first, second] = stats.buckets;
  if (first === undefined || second === undefined) return windowMs;
  return Date.parse(second.at) - Date.parse(first.at);
}

/** When the program was not running. */
export function gapsOf(stats: Pick<Stats, 'gaps'>): Span[] {
  return stats.gaps.map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }));
}

/** The share of what ended well, in percent; null where nothing ended. */
export function successRate(ended: { synced: number; failed: number }): number | null {
  const all = ended.synced + ended.failed;
  return all === 0 ? null : (ended.synced / all) * 100;
}
