import type { Backend, Org } from '../backend/backend';
import type { OwnItem, OwnQueue } from '../backend/package';
import { hasPackage } from './package';

/** Who goes away and comes back within this time sees what was read before: each look costs the org a call. */
const FRESH_MS = 60_000;

/** An org's own queue: its rows, or why they could not be read. */
export interface ReadQueue {
  items: readonly OwnItem[];
  trouble: string;
  /** The program's time when it was read; null where it could not be. */
  readAt: string | null;
}

/** How much the own queues of these orgs hold, as far as they were read; null where none was. */
export function ownTotal(orgs: readonly Org[]): Omit<OwnQueue, 'readAt'> | null {
  const read = orgs.filter(hasPackage).flatMap((org) => org.ownQueue ?? []);
  if (read.length === 0) return null;
  return {
    count: read.reduce((sum, one) => sum + one.count, 0),
    more: read.some((one) => one.more),
  };
}

/** What the package in each org failed at by itself, as last read. */
export class OwnQueues {
  #read = $state<Record<string, ReadQueue>>({});
  /** When each org was last asked, by this machine's own clock. */
  #askedAt = new Map<string, number>();
  #reading = new Set<string>();
  #backend: Backend;
  #now: () => number;

  constructor(backend: Backend, now = () => performance.now()) {
    this.#backend = backend;
    this.#now = now;
  }

  /** An org's queue; undefined until it was read. */
  of(orgId: string): ReadQueue | undefined {
    return this.#read[orgId];
  }

  /** Reads an org's queue now. */
  async load(orgId: string): Promise<void> {
    this.#reading.add(orgId);
    this.#askedAt.set(orgId, this.#now());
    try {
      const { syncItems, readAt } = await this.#backend.package.ownItems(orgId);
      this.#read[orgId] = { items: syncItems, trouble: '', readAt };
    } catch (problem) {
      const trouble = problem instanceof Error ? problem.message : String(problem);
      this.#read[orgId] = { items: [], trouble, readAt: null };
    } finally {
      this.#reading.delete(orgId);
    }
  }

  /** Somebody looks at these: what was not read just now is read. */
  open(orgIds: readonly string[]): void {
    for (const orgId of orgIds) {
      const asked = this.#askedAt.get(orgId);
      if (asked === undefined || this.#now() - asked >= FRESH_MS) void this.load(orgId);
    }
  }

  /** The program has read these again by itself: then the rows are shown as they are now. */
  follow(orgs: readonly Org[]): void {
    for (const { orgId, ownQueue } of orgs) {
      if (this.#reading.has(orgId)) continue;
      const shown = this.#read[orgId]?.readAt ?? null;
      if (ownQueue && shown !== null && Date.parse(ownQueue.readAt) > Date.parse(shown)) {
        void this.load(orgId);
      }
    }
  }
}
