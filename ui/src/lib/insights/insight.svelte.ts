import type { Backend, FailureGroup, Stats } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** How far back the charts go. */
export const WINDOWS = ['1h', '24h', '7d', '30d'] as const;

/** One of {@link WINDOWS}. */
export type Window = (typeof WINDOWS)[number];

const HOUR_MS = 3_600_000;
const LENGTHS: Record<Window, number> = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
};

/** The window that an address asks for; a day where it asks for none. */
export function windowOf(text: string | undefined): Window {
  return WINDOWS.find((name) => name === text) ?? '24h';
}

/** How long a window is. */
export function windowMs(name: Window): number {
  return LENGTHS[name];
}

/** A share in percent, never rounded up to all: 99.96 % is not everything. */
export function percent(share: number): number {
  return Math.floor(share * 10) / 10;
}

/** What failed, the most frequent cause first. */
export function byCause(groups: readonly FailureGroup[]): FailureGroup[] {
  return [...groups].sort((a, b) => b.count - a.count);
}

/** How many failed by target org, the most first. */
export function byOrg(groups: readonly FailureGroup[]): { orgId: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { targetOrgId, count } of groups) {
    counts.set(targetOrgId, (counts.get(targetOrgId) ?? 0) + count);
  }
  return [...counts].map(([orgId, count]) => ({ orgId, count })).sort((a, b) => b.count - a.count);
}

/** On a busy day something changes all the time: the charts need not. */
const GAP_MS = 2000;

/** What the charts are drawn from. */
export class Insight {
  stats = $state.raw<Stats | null>(null);
  failures = $state.raw<FailureGroup[]>([]);
  /** The window of the shown statistics. */
  shown = $state<Window | null>(null);
  failed = $state(false);

  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #window: Window = '24h';
  #orgId: string | null = null;
  #refresher = new Refresher(() => this.#read(), GAP_MS);

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads what happened in a window to what went to an org, or to all, and what stands failed now. */
  load(window: Window, orgId: string | null = null): Promise<void> {
    if (window !== this.#window || orgId !== this.#orgId) {
      // Another window is not to wait for the distance between two readings of this one.
      this.#refresher = new Refresher(() => this.#read(), GAP_MS);
    }
    // What is shown says of which window it is, but not of which org.
    if (orgId !== this.#orgId) this.stats = null;
    this.#window = window;
    this.#orgId = orgId;
    return this.#refresher.request();
  }

  async #read(): Promise<void> {
    const [window, orgId] = [this.#window, this.#orgId];
    try {
      const [stats, failures] = await Promise.all([
        this.#backend.stats(window, orgId),
        this.#backend.failures(),
      ]);
      if (window !== this.#window || orgId !== this.#orgId) return;
      this.stats = stats;
      this.failures = failures;
      this.shown = window;
      this.failed = false;
    } catch (error) {
      this.#onProblem(error);
      this.failed = true;
    }
  }
}
