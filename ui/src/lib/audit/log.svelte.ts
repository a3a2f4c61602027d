import type { ActivityEntry, ActivityFilter, Backend } from '../backend/backend';
import { Refresher } from '../shared/refresher';

const PAGE = 100;

/** The log of what people and the program did, newest first, as far as a filter lets it through. */
export class ActivityLog {
  entries = $state.raw<ActivityEntry[]>([]);
  nextCursor = $state<string | null>(null);
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  /** Whether an older page is on its way. */
  busy = $state(false);

  #filter: ActivityFilter = {};
  /** Grows with each filter: an answer to an older one is for nobody. */
  #generation = 0;
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#reload());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Shows what another filter lets through, from the newest on. */
  show(filter: ActivityFilter): Promise<void> {
    this.#generation += 1;
    this.#filter = filter;
    this.entries = [];
    this.nextCursor = null;
    this.phase = 'loading';
    return this.refresh();
  }

  /** Reads the newest entries; older ones that are loaded stay. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Loads the page after the last entry. */
  async more(): Promise<void> {
    if (this.nextCursor === null || this.busy) return;
    const generation = this.#generation;
    this.busy = true;
    try {
      const page = await this.#backend.activity(PAGE, this.nextCursor, this.#filter);
      if (generation !== this.#generation) return;
      const known = new Set(this.entries.map((entry) => entry.id));
      this.entries = [...this.entries, ...page.activity.filter((entry) => !known.has(entry.id))];
      this.nextCursor = page.nextCursor;
    } catch (error) {
      this.#onProblem(error);
    } finally {
      this.busy = false;
    }
  }

  async #reload(): Promise<void> {
    const generation = this.#generation;
    try {
      const page = await this.#backend.activity(PAGE, null, this.#filter);
      if (generation !== this.#generation) return;
      const fresh = new Set(page.activity.map((entry) => entry.id));
      const older = this.entries.filter((entry) => !fresh.has(entry.id));
      const joined = older.length < this.entries.length;
      // Without an overlap there may be a gap in between: begin anew.
      this.entries = joined ? [...page.activity, ...older] : page.activity;
      if (!joined || older.length === 0) this.nextCursor = page.nextCursor;
      this.phase = 'ready';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#onProblem(error);
      if (this.entries.length === 0) this.phase = 'error';
    }
  }
}
