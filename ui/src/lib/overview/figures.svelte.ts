import type { Backend, FailureGroup, ItemFilter, Stats } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** What the tiles count, of one org or of all. */
export interface Tally {
  /** Null for all orgs. */
  orgId: string | null;
  failed: number;
  retrying: number;
  queued: number;
  held: number;
  /** Accepted since the day began, and delivered. */
  syncedToday: number;
  /** When the day began, as the list behind the tile asks for it. */
  since: string;
  /** When the next attempt of a retrying item is due. */
  soonest: string | null;
  /** Since when the oldest queued item has been waiting. */
  oldest: string | null;
}

/** Held items have no next attempt; among so many retrying ones the soonest is found. */
const AMONG = 20;
/** On a busy day something changes all the time: the figures need not. */
const GAP_MS = 1500;

/** The figures of the overview. */
export class Figures {
  tally = $state.raw<Tally | null>(null);
  failures = $state.raw<FailureGroup[]>([]);
  stats = $state.raw<Stats | null>(null);
  /** False until the causes were read for the first time. */
  loaded = $state(false);

  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #orgId: string | null = null;
  #since = '';
  #refresher = new Refresher(() => this.#read(), GAP_MS);

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads everything again, for an org or for all, with a day that began then. */
  load(orgId: string | null, since: string): Promise<void> {
    if (orgId !== this.#orgId) this.stats = null;
    this.#orgId = orgId;
    this.#since = since;
    return this.#refresher.request();
  }

  async #read(): Promise<void> {
    const [orgId, since] = [this.#orgId, this.#since];
    const of = (filter: ItemFilter): ItemFilter =>
      orgId === null ? filter : { ...filter, targetOrgId: orgId };
    const { items, failures, stats } = this.#backend;
    try {
      // Of a large store counting takes longest: what needs attention and the chart do not wait for it.
      const drawn = Promise.all([failures(), stats('24h', orgId)]).then(([causes, day]) => {
        this.failures = causes;
        this.loaded = true;
        if (orgId === this.#orgId) this.stats = day;
      });
      const [failed, retrying, queued, held, synced] = await Promise.all([
        items(of({ status: 'failed' }), 1, null),
        items(of({ status: 'retrying' }), AMONG, null, 'nextAttemptAt'),
        items(of({ status: 'queued' }), 1, null, 'createdAt'),
        items(of({ held: true }), 1, null),
        items(of({ status: 'synced', since }), 1, null),
        drawn,
      ]);
      // Another org was chosen meanwhile: its own answer is under way.
      if (orgId !== this.#orgId) return;
      const due = retrying.items.find((item) => item.nextAttemptAt !== null);
      this.tally = {
        orgId,
        failed: failed.total,
        retrying: retrying.total,
        queued: queued.total,
        held: held.total,
        syncedToday: synced.total,
        since,
        soonest: due?.nextAttemptAt ?? null,
        oldest: queued.items[0]?.createdAt ?? null,
      };
    } catch (error) {
      // What is shown stays; the banner says how old it is.
      this.#onProblem(error);
    }
  }
}
