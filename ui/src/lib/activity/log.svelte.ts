import type { ActivityEntry, Backend } from '../backend/backend';
import { Refresher } from '../shared/refresher';

const PAGE = 100;

/** The log of what people and the program did, newest first. */
export class ActivityLog {
  entries = $state.raw<ActivityEntry[]>([]);
  nextCursor = $state<string | null>(null);
  phase = $state<'loading' | 'ready' | 'error'>('loading');

  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#reload());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads the newest entries; older ones that are loaded stay. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Loads the page after the last entry. */
  async more(): Promise<void> {
    if (this.nextCursor === null) return;
    try {
      const page = await this.#backend.activity(PAGE, this.nextCursor);
      const known = new Set(this.entries.map((entry) => entry.id));
      this.entries = [...this.entries, ...page.activity.filter((entry) => !known.has(entry.id))];
      this.nextCursor = page.nextCursor;
    } catch (error) {
      this.#onProblem(error);
    }
  }

  async #reload(): Promise<void> {
    try {
      const page = await this.#backend.activity(PAGE, null);
      const fresh = new Set(page.activity.map((entry) => entry.id));
      const older = this.entries.filter((entry) => !fresh.has(entry.id));
      const joined = older.length < this.entries.length;
      // Without an overlap there may be a gap in between: begin anew.
      this.entries = joined ? [...page.activity, ...older] : page.activity;
      if (!joined || older.length === 0) this.nextCursor = page.nextCursor;
      this.phase = 'ready';
    } catch (error) {
      this.#onProblem(error);
      if (this.entries.length === 0) this.phase = 'error';
    }
  }
}
