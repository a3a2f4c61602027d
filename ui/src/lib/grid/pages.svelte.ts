import { Refresher } from '../shared/refresher';

const PAGE = 100;
/** How near to the last row in sight the end may come before the next page is asked for. */
const AHEAD = 60;

/** A page as the program answers it. */
export interface Page<T> {
  rows: readonly T[];
  nextCursor: string | null;
}

/**
 * A list that has its newest rows first and grows at its end. A reading of the
 * top brings it up to date; what was loaded further down stays.
 */
export class Pages<T> {
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  /** How it stands with the page after the last row. */
  tail = $state<'idle' | 'loading' | 'failed'>('idle');

  #rows = $state.raw<readonly T[]>([]);
  #nextCursor = $state.raw<string | null>(null);
  #places = $derived(new Map(this.#rows.map((row, index) => [this.#keyOf(row), index])));
  #version = $state(0);
  #held = false;
  #waiting = false;
  #generation = 0;
  #load: (limit: number, cursor: string | null) => Promise<Page<T>>;
  #keyOf: (row: T) => string;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read());

  /** @param load asks the program for a page */
  constructor(
    load: (limit: number, cursor: string | null) => Promise<Page<T>>,
    keyOf: (row: T) => string,
    onProblem: (error: unknown) => void,
  ) {
    this.#load = load;
    this.#keyOf = keyOf;
    this.#onProblem = onProblem;
  }

  /** The loaded rows. */
  get rows(): readonly T[] {
    return this.#rows;
  }

  /** How many rows are loaded. */
  get length(): number {
    return this.#rows.length;
  }

  /** Whether there are rows that are not loaded. */
  get more(): boolean {
    return this.#nextCursor !== null;
  }

  /** Grows with each change of the rows. */
  get version(): number {
    return this.#version;
  }

  /** The row in a place. */
  at(index: number): T | undefined {
    return this.#rows[index];
  }

  /** The key of the row in a place. */
  idAt(index: number): string | undefined {
    const row = this.#rows[index];
    return row === undefined ? undefined : this.#keyOf(row);
  }

  /** The place of a row; -1 where it is not loaded. */
  indexOf(key: string): number {
    return this.#places.get(key) ?? -1;
  }

  /** Begins anew from the top: something else is asked for. */
  restart(): Promise<void> {
    this.#generation += 1;
    this.#refresher = new Refresher(() => this.#read());
    this.#put([], null);
    this.phase = 'loading';
    this.tail = 'idle';
    return this.refresh();
  }

  /** Reads the top again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Lets rows stay in their places, or no longer; they change in place meanwhile. */
  hold(on: boolean): void {
    this.#held = on;
    if (!on && this.#waiting) void this.refresh();
  }

  /** Notes which rows are in sight, and loads the next page when the end comes near. */
  look(last: number): void {
    if (this.tail === 'idle' && last > this.length - AHEAD) void this.loadMore();
  }

  /** Loads the page after the last row. */
  async loadMore(): Promise<void> {
    const cursor = this.#nextCursor;
    if (cursor === null || this.tail === 'loading') return;
    const generation = this.#generation;
    this.tail = 'loading';
    try {
      const page = await this.#load(PAGE, cursor);
      if (generation !== this.#generation) return;
      this.tail = 'idle';
      if (cursor !== this.#nextCursor) return;
      const fresh = page.rows.filter((row) => !this.#places.has(this.#keyOf(row)));
      this.#put([...this.#rows, ...fresh], page.nextCursor);
    } catch (error) {
      if (generation !== this.#generation) return;
      this.tail = 'failed';
      this.#onProblem(error);
    }
  }

  async #read(): Promise<void> {
    const generation = this.#generation;
    try {
      const page = await this.#load(PAGE, null);
      if (generation !== this.#generation) return;
      this.#waiting = this.#held && this.phase === 'ready';
      if (this.#waiting) this.#inPlace(page.rows);
      else this.#join(page);
      this.phase = 'ready';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#onProblem(error);
      if (this.phase === 'loading') this.phase = 'error';
    }
  }

  #inPlace(rows: readonly T[]): void {
    const fresh = new Map(rows.map((row) => [this.#keyOf(row), row]));
    const next = this.#rows.map((row) => fresh.get(this.#keyOf(row)) ?? row);
    this.#put(next, this.#nextCursor);
  }

  #join(page: Page<T>): void {
    const fresh = new Set(page.rows.map((row) => this.#keyOf(row)));
    const older = this.#rows.filter((row) => !fresh.has(this.#keyOf(row)));
    const joined = older.length < this.#rows.length;
    // Without an overlap there may be a gap in between, and what ends here has nothing behind it: begin anew.
    if (joined && page.nextCursor !== null && this.#rows.length > PAGE) {
      this.#put([...page.rows, ...older], this.#nextCursor);
    } else this.#put(page.rows, page.nextCursor);
  }

  #put(rows: readonly T[], nextCursor: string | null): void {
    this.#rows = rows;
    this.#nextCursor = nextCursor;
    this.#version += 1;
  }
}
