/** What a list is made of: anything with a name of its own. */
export interface Row {
  readonly id: string;
}

/** A page as the program answers it. */
export interface FreshPage<T> {
  rows: readonly T[];
  /** Where the page after it begins; null where it is the last. */
  nextCursor: string | null;
}

/** A row, or of one that was dropped its name, which keeps its place. */
export type Kept<T> = T | string;

/** A stretch of a list that is read again at once. */
export interface Stretch<T> {
  /** Where it begins for the program; null at the top of the list. */
  cursor: string | null;
  rows: Kept<T>[];
  /** Whether rows of it were dropped, and are to be read again before they are shown. */
  thin: boolean;
  /** How many rows come before it. */
  start: number;
  /** As of which reading. */
  reading: number;
}

/** What a page that was read again differs in from what is shown. */
export interface Difference<T> {
  /** The rows that belong to the stretch now. */
  rows: T[];
  /** The rows that the answer did not reach, where it was too short. */
  beyond: Kept<T>[];
  /** Rows that no part of the list has shown so far. */
  added: string[];
  /** Rows of the stretch that are in the list no longer. */
  left: string[];
  /** Whether the answer says that nothing follows it. */
  ended: boolean;
}

/** The most that the program answers at once. */
export const LARGEST_PAGE = 500;

const idOf = <T extends Row>(row: Kept<T>): string => (typeof row === 'string' ? row : row.id);
const isDropped = <T extends Row>(row: Kept<T>): row is string => typeof row === 'string';
const placeIn = <T extends Row>(stretch: Stretch<T>, id: string): number =>
  stretch.rows.findIndex((row) => idOf(row) === id);

/**
 * The rows of a long list, in the stretches in which they were read, so that an
 * update costs what is in sight and not what is loaded: a hundred thousand rows
 * are neither copied nor searched. Those far out of sight may be dropped: their
 * names stay, and with them their order and their places.
 */
export class PagedRows<T extends Row> {
  #stretches: Stretch<T>[] = [];
  #homes = new Map<string, Stretch<T>>();

  /** How many rows are loaded. */
  get length(): number {
    return this.#homes.size;
  }

  /** The stretches, in order. */
  get stretches(): readonly Stretch<T>[] {
    return this.#stretches;
  }

  /** Whether a row is loaded. */
  has(id: string): boolean {
    return this.#homes.has(id);
  }

  /** How many rows are not dropped. */
  get full(): number {
    return this.#stretches.reduce((sum, one) => sum + (one.thin ? 0 : one.rows.length), 0);
  }

  /** A row by its name; none where it was dropped. */
  get(id: string): T | undefined {
    const home = this.#homes.get(id);
    const row = home?.rows[placeIn(home, id)];
    return row === undefined || isDropped(row) ? undefined : row;
  }

  /** A row by its place; none where it was dropped. */
  at(index: number): T | undefined {
    const row = this.#keptAt(index);
    return row === undefined || isDropped(row) ? undefined : row;
  }

  /** The name of the row in a place, dropped or not. */
  idAt(index: number): string | undefined {
    const row = this.#keptAt(index);
    return row === undefined ? undefined : idOf(row);
  }

  /** The place of a row; -1 where it is not loaded. */
  indexOf(id: string): number {
    const home = this.#homes.get(id);
    return home === undefined ? -1 : home.start + placeIn(home, id);
  }

  /** The names of all rows, in order. */
  ids(): string[] {
    return this.#stretches.flatMap((stretch) => stretch.rows.map(idOf));
  }

  /** The names of the rows from one place to another, both included. */
  idsBetween(from: number, to: number): string[] {
    const ids: string[] = [];
    for (let index = Math.max(0, from); index <= to && index < this.length; index += 1) {
      const id = this.idAt(index);
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  /** The stretches that hold the rows from one place to another. */
  between(from: number, to: number): Stretch<T>[] {
    return this.#stretches.slice(this.#stretchAt(from), this.#stretchAt(to) + 1);
  }

  /** Drops the rows outside of these places, save those at the top and those around one row. */
  drop(from: number, to: number, around: string | null): void {
    const near = new Set(this.between(from, to));
    const home = around === null ? undefined : this.#homes.get(around);
    for (const stretch of this.#stretches.slice(1)) {
      if (stretch.thin || near.has(stretch) || stretch === home) continue;
      stretch.rows = stretch.rows.map(idOf);
      stretch.thin = true;
    }
  }

  /** Puts a page behind the last row. Rows that are loaded already stay where they are. */
  append(cursor: string | null, rows: readonly T[], reading: number): void {
    const fresh = rows.filter((row) => !this.#homes.has(row.id));
    if (fresh.length === 0 && this.#stretches.length > 0) return;
    const stretch = { cursor, rows: fresh, thin: false, start: this.length, reading };
    this.#stretches.push(stretch);
    for (const row of fresh) this.#homes.set(row.id, stretch);
  }

  /** Puts newer states of loaded rows in their places; nothing moves. */
  patch(rows: readonly T[]): void {
    for (const row of rows) {
      const home = this.#homes.get(row.id);
      if (home !== undefined) home.rows[placeIn(home, row.id)] = row;
    }
  }

  /** Puts the rows of a stretch that were dropped back in their places; says whether all of them are there again. */
  fill(stretch: Stretch<T>, rows: readonly T[]): boolean {
    this.patch(rows);
    stretch.thin = false;
    return !stretch.rows.some(isDropped);
  }

  /**
   * Compares a stretch that was read again, from its beginning, with what is
   * shown. `open`: rows that are not loaded follow the last one, and behind it
   * they are no news.
   */
  compare(stretch: Stretch<T>, page: FreshPage<T>, open = false): Difference<T> {
    const next = this.#stretches[this.#stretches.indexOf(stretch) + 1];
    const own = page.rows.findLastIndex((row) => this.#homes.get(row.id) === stretch);
    // Behind the last of its own rows, the first row of the next stretch is where this one ends.
    const end = page.rows.findIndex(
      (row, index) => index > own && next !== undefined && this.#homes.get(row.id) === next,
    );
    const rows = end < 0 ? [...page.rows] : page.rows.slice(0, end);
    const here = new Set(rows.map((row) => row.id));
    const missing = stretch.rows.filter((row) => !here.has(idOf(row)));
    const known = open && next === undefined && own >= 0 ? own : rows.length;
    const ended = end < 0 && page.nextCursor === null;
    const reached = end >= 0 || ended;
    return {
      rows,
      beyond: reached ? [] : missing,
      added: rows.slice(0, known).flatMap((row) => (this.#homes.has(row.id) ? [] : [row.id])),
      left: reached ? missing.map(idOf) : [],
      ended,
    };
  }

  /** Makes a stretch what the comparison says it is. */
  apply(stretch: Stretch<T>, page: FreshPage<T>, found: Difference<T>, reading: number): void {
    const at = this.#stretches.indexOf(stretch);
    if (at < 0) return;
    for (const id of found.left) this.#homes.delete(id);
    for (const row of found.rows) {
      const home = this.#homes.get(row.id);
      // It moved here from another part of the list.
      if (home !== undefined && home !== stretch) {
        home.rows = home.rows.filter((one) => idOf(one) !== row.id);
      }
      this.#homes.set(row.id, stretch);
    }
    stretch.rows = found.rows;
    stretch.thin = false;
    stretch.reading = reading;
    if (found.ended) this.#cut(at + 1);
    else if (found.beyond.length > 0) this.#putBehind(at, page.nextCursor, found.beyond);
    this.#stretches = this.#stretches.filter((one, index) => index === 0 || one.rows.length > 0);
    this.#count();
  }

  /** Drops the stretches from a place on. */
  #cut(from: number): void {
    for (const stretch of this.#stretches.slice(from)) {
      for (const row of stretch.rows) this.#homes.delete(idOf(row));
    }
    this.#stretches.length = from;
  }

  /** Puts rows behind a stretch: with those that follow it where there is room, so that stretches stay few. */
  #putBehind(at: number, cursor: string | null, rows: Kept<T>[]): void {
    const thin = rows.some(isDropped);
    let home = this.#stretches[at + 1];
    if (home !== undefined && home.rows.length + rows.length <= LARGEST_PAGE) {
      home.rows = [...rows, ...home.rows];
      home.cursor = cursor;
      home.thin ||= thin;
      home.reading = 0;
    } else {
      home = { cursor, rows, thin, start: 0, reading: 0 };
      this.#stretches.splice(at + 1, 0, home);
    }
    for (const row of rows) this.#homes.set(idOf(row), home);
  }

  #keptAt(index: number): Kept<T> | undefined {
    const stretch = this.#stretches[this.#stretchAt(index)];
    return stretch?.rows[index - stretch.start];
  }

  #count(): void {
    let start = 0;
    for (const stretch of this.#stretches) {
      stretch.start = start;
      start += stretch.rows.length;
    }
  }

  /** Which stretch a place lies in; the nearest for one outside. */
  #stretchAt(index: number): number {
    let low = 0;
    let high = this.#stretches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#stretches[middle]?.start ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
