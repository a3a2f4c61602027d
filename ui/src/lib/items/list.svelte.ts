import { SvelteSet } from 'svelte/reactivity';
import {
  Problem,
  type Backend,
  type Item,
  type ItemFilter,
  type ItemPage,
  type ItemSort,
  type Selection,
} from '../backend/backend';
import { Refresher } from '../shared/refresher';
import { LARGEST_PAGE, PagedRows, type FreshPage, type Stretch } from './rows';
import { RowSelection, type RowOrder } from './selection';

const PAGE = 100;
/** Further pages: large enough to scroll fast, small enough to be read again at each change while they are in sight. */
const MORE = 250;
/** On a busy day something changes each moment; the rows follow twice a second. */
const GAP_MS = 500;
/** How many more rows than a stretch has are asked for, so that the answer shows where it ends. */
const SLACK = 20;
/** How near to the last row in sight the end may come before the next page is asked for. */
const AHEAD = 200;

/** So many rows are held; of more, those that are farther from sight than `NEAR` keep their places only. */
const MOST = 5000;
const NEAR = 1000;

/** Why updates wait: rows are selected, a menu is open, somebody is pointing at a row. */
export type HoldReason = 'menu' | 'pointer';

/** What waits while updates are paused. */
export interface Pending {
  /** Rows that are not shown yet. */
  added: number;
  /** Shown rows that are in the list no longer. */
  left: number;
}

/** The reading of what has to be read again, whatever happens. */
const NEVER = -1;

const NOTHING: Pending = { added: 0, left: 0 };
const NOBODY: ReadonlySet<string> = new Set();

const fresh = (page: ItemPage): FreshPage<Item> => ({
  rows: page.items,
  nextCursor: page.nextCursor,
});

/**
 * The rows of one list, how far they are loaded, and which are selected.
 *
 * A change in the program costs what is in sight: the top of the list, for what
 * is new, and the rows on the screen are read again, the others when they come
 * into sight. While somebody works with the rows nothing moves: they change in
 * place, and what came and went is counted until it may show.
 *
 * Of a long list only what is near the sight is held; the other rows keep their
 * places and are read again when they come near.
 */
export class ItemList implements RowOrder {
  total = $state(0);
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  /** Why the list could not be loaded, in the program's words. */
  problem = $state('');
  /** How it stands with the page after the last row. */
  tail = $state<'idle' | 'loading' | 'failed'>('idle');
  selection = $state.raw(new RowSelection());
  /** The row that the keyboard is on. */
  activeId = $state<string | null>(null);
  filter = $state.raw<ItemFilter>({});
  sort = $state.raw<ItemSort | undefined>(undefined);
  pending = $state.raw(NOTHING);
  /** Shown rows that are in the list no longer, while updates are paused. */
  gone = $state.raw(NOBODY);

  /** Whether updates wait. */
  readonly held = $derived.by(() => this.selection.size > 0 || this.#holds.size > 0);

  #rows = new PagedRows<Item>();
  /** Grows with each change of the rows. */
  #version = $state(0);
  #nextCursor = $state.raw<string | null>(null);
  #holds = new SvelteSet<HoldReason>();
  /** The program's time when the rows were read: what is selected as everything is as of then. */
  #asOf = '';
  #inSight = { first: 0, last: 0 };
  /** How it stands with the rows near the sight that were dropped. */
  #filling: 'idle' | 'busy' | 'failed' = 'idle';
  /** Each reading has a number; stretches of an older one than this may be out of date. */
  #reading = 0;
  #upToDate = 0;
  #forced = false;
  /** Which list it is; what belongs to one before comes too late. */
  #generation = 0;
  /** Which reading counts; one that began before comes too late. */
  #epoch = 0;
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read(), GAP_MS);

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** How many rows are loaded. */
  get length(): number {
    void this.#version;
    return this.#rows.length;
  }

  /** Whether there are rows that are not loaded. */
  get more(): boolean {
    return this.#nextCursor !== null;
  }

  /** Grows with each change of the rows; reading it follows them all. */
  get version(): number {
    return this.#version;
  }

  /** The name of the row in a place. */
  idAt(index: number): string | undefined {
    void this.#version;
    return this.#rows.idAt(index);
  }

  /** The row in a place; none where it is out of sight and was dropped. */
  at(index: number): Item | undefined {
    void this.#version;
    return this.#rows.at(index);
  }

  /** A loaded row that was not dropped. */
  get(id: string): Item | undefined {
    void this.#version;
    return this.#rows.get(id);
  }

  /** Whether a row is loaded. */
  has(id: string): boolean {
    void this.#version;
    return this.#rows.has(id);
  }

  /** The place of a row; -1 where it is not loaded. */
  indexOf(id: string): number {
    void this.#version;
    return this.#rows.indexOf(id);
  }

  /** The names of all loaded rows. */
  ids(): string[] {
    return this.#rows.ids();
  }

  /** The names of the rows between two places. */
  idsBetween(from: number, to: number): string[] {
    return this.#rows.idsBetween(from, to);
  }

  /** Shows what another filter matches, from the top. */
  show(filter: ItemFilter, sort?: ItemSort): Promise<void> {
    this.#generation += 1;
    this.#beginAnew();
    this.#rows = new PagedRows();
    this.#version += 1;
    this.#holds.clear();
    this.#filling = 'idle';
    this.#inSight = { first: 0, last: 0 };
    this.filter = filter;
    this.sort = sort;
    this.total = 0;
    this.#nextCursor = null;
    this.phase = 'loading';
    this.tail = 'idle';
    this.selection = new RowSelection();
    this.activeId = null;
    this.#settle();
    return this.refresh();
  }

  /** Something changed: what is in sight is read again, at once, the rest when it comes into sight. */
  refresh(): Promise<void> {
    this.#upToDate = this.#reading + 1;
    return this.#refresher.request();
  }

  /** Shows what waits, even while rows are selected. */
  applyNow(): Promise<void> {
    this.#forced = true;
    this.#beginAnew();
    return this.refresh();
  }

  /** Something was done with these: what waited shows, and a selection that it was done with is used up. */
  acted(selection: Selection): void {
    if ('filter' in selection || selection.ids.length > 1) this.selection = new RowSelection();
    void this.applyNow();
  }

  /** Lets updates wait for a reason, or no longer. What waited shows as soon as there is none left. */
  hold(reason: HoldReason, on: boolean): void {
    if (on) this.#holds.add(reason);
    else if (this.#holds.delete(reason)) this.#release();
  }

  /** Selects rows; with none left, what waited shows. */
  select(selection: RowSelection): void {
    this.selection = selection;
    this.#release();
  }

  /** Selects everything that the filter matches, as the list stands. */
  selectEverything(): void {
    const everything = { filter: { ...this.filter, asOf: this.#asOf }, total: this.total };
    this.selection = new RowSelection([], null, everything);
  }

  /** Everything that the filter matches, as the list stands. */
  everything(): { filter: ItemFilter } {
    return { filter: { ...this.filter, asOf: this.#asOf } };
  }

  /** Notes which rows are in sight, and loads the next page when the end comes near. */
  look(first: number, last: number): void {
    this.#inSight = { first, last };
    if (this.#rows.full > MOST) this.#rows.drop(first - NEAR, last + NEAR, this.activeId);
    if (this.#filling === 'idle') void this.#fill();
    if (this.tail === 'idle' && last > this.#rows.length - AHEAD) void this.loadMore();
  }

  /** The list rests where it was scrolled to: what may be out of date there is read again. */
  rest(): void {
    if (this.#filling === 'failed') void this.#fill();
    if (this.#stale().length > 0) void this.#refresher.request();
  }

  /** Loads the page after the last row. */
  async loadMore(): Promise<void> {
    const cursor = this.#nextCursor;
    if (cursor === null || this.tail === 'loading') return;
    const generation = this.#generation;
    this.tail = 'loading';
    try {
      const page = await this.#backend.items(this.filter, MORE, cursor, this.sort);
      if (generation !== this.#generation) return;
      this.tail = 'idle';
      // A reading got further meanwhile; the next page begins elsewhere.
      if (cursor !== this.#nextCursor) return;
      this.#rows.append(cursor, page.items, this.#reading);
      this.#nextCursor = page.nextCursor;
      if (!this.held) this.total = page.total;
      this.#version += 1;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.tail = 'failed';
      this.#onProblem(error);
    }
  }

  /** Moves the keyboard's row by so many places; returns its id. */
  move(step: number): string | null {
    const at = this.activeId === null ? -1 : this.#rows.indexOf(this.activeId);
    return this.moveTo(at < 0 ? 0 : at + step);
  }

  /** Moves the keyboard's row to a place; returns its id. */
  moveTo(index: number): string | null {
    const place = Math.max(0, Math.min(this.#rows.length - 1, index));
    this.activeId = this.#rows.idAt(place) ?? null;
    return this.activeId;
  }

  /** A reading that is under way began too early to count; the next need not wait for it. */
  #beginAnew(): void {
    this.#epoch += 1;
    this.#refresher = new Refresher(() => this.#read(), GAP_MS);
  }

  /** Reads what was dropped and is near the sight again, the nearest first. */
  async #fill(): Promise<void> {
    const generation = this.#generation;
    this.#filling = 'busy';
    let missing = this.#missing();
    try {
      for (; missing !== undefined; missing = this.#missing()) {
        const { cursor } = missing;
        const page = await this.#page(missing);
        if (generation !== this.#generation) return;
        // Another reading put it elsewhere meanwhile.
        if (cursor !== missing.cursor || !this.#rows.stretches.includes(missing)) continue;
        // Rows that the answer does not have are in the list no longer, or elsewhere in it.
        if (!this.#rows.fill(missing, page.items)) {
          missing.reading = NEVER;
          void this.#refresher.request();
        }
        this.#version += 1;
      }
      this.#filling = 'idle';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#filling = 'failed';
      this.#onProblem(error);
    }
  }

  /** A stretch with rows in sight that were dropped, else one near it. */
  #missing(): Stretch<Item> | undefined {
    const { first, last } = this.#inSight;
    const thin = (from: number, to: number) => this.#rows.between(from, to).find((one) => one.thin);
    return thin(first, last) ?? thin(first - AHEAD, last + AHEAD);
  }

  /** The stretches in sight that may be out of date. */
  #stale(): Stretch<Item>[] {
    const { first, last } = this.#inSight;
    return this.#rows.between(first, last).filter((one) => one.reading < this.#upToDate);
  }

  /** Whether there is something to show once updates go on. */
  get #waits(): boolean {
    return this.pending.added > 0 || this.pending.left > 0;
  }

  #release(): void {
    if (!this.held && this.#waits) void this.refresh();
  }

  #settle(): void {
    this.pending = NOTHING;
    this.gone = NOBODY;
  }

  async #read(): Promise<void> {
    const epoch = this.#epoch;
    const forced = this.#forced;
    this.#forced = false;
    this.#reading += 1;
    const reading = this.#reading;
    try {
      // First the time, then the rows: what fails in between is shown, but not meant by "all".
      const { serverTime } = await this.#backend.status();
      const top = this.#rows.stretches[0];
      const head = await this.#page(top);
      const others: { stretch: Stretch<Item>; cursor: string | null; page: ItemPage }[] = [];
      for (const stretch of this.#stale().filter((one) => one !== top)) {
        others.push({ stretch, cursor: stretch.cursor, page: await this.#page(stretch) });
      }
      // Another reading counts meanwhile, or the answers belong to a list no longer shown.
      if (epoch !== this.#epoch) return;
      if (top === undefined) {
        this.#rows.append(null, head.items, reading);
        this.#nextCursor = head.nextCursor;
      } else {
        const pages = [{ stretch: top, cursor: null, page: head }, ...others];
        // One that begins elsewhere now was joined with rows that its answer does not have.
        const usable = pages.filter(({ stretch, cursor }) => stretch.cursor === cursor);
        if (this.held && !forced) {
          this.#patch(usable);
          // Nothing came or went: what is shown is the list as it stands now.
          if (!this.#waits && head.total === this.total) this.#asOf = serverTime;
          return;
        }
        this.#apply(usable, reading);
      }
      this.#asOf = serverTime;
      this.total = head.total;
      this.phase = 'ready';
      this.#settle();
      this.#version += 1;
      if (this.#stale().length > 0) void this.#refresher.request();
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.#onProblem(error);
      // Rows that are on the screen stay there: old data beats none.
      if (this.phase !== 'ready') {
        this.phase = 'error';
        this.problem = error instanceof Problem && !error.unreachable ? error.message : '';
      }
    }
  }

  #page(stretch: Stretch<Item> | undefined): Promise<ItemPage> {
    const wanted = Math.max(PAGE, (stretch?.rows.length ?? 0) + SLACK);
    const limit = stretch === undefined ? PAGE : Math.min(LARGEST_PAGE, wanted);
    return this.#backend.items(this.filter, limit, stretch?.cursor ?? null, this.sort);
  }

  /** Changes the shown rows in place and counts what came and went. */
  #patch(pages: readonly { stretch: Stretch<Item>; page: ItemPage }[]): void {
    const gone = new Set(this.gone);
    const added = new Set<string>();
    for (const { stretch, page } of pages) {
      const found = this.#rows.compare(stretch, fresh(page), this.more);
      for (const row of page.items) gone.delete(row.id);
      for (const id of found.left) gone.add(id);
      for (const id of found.added) added.add(id);
      this.#rows.patch(page.items);
    }
    // A row that moved to the reading of another stretch has not left.
    for (const { page } of pages) for (const row of page.items) gone.delete(row.id);
    this.gone = gone;
    this.pending = { added: added.size, left: gone.size };
    this.#version += 1;
  }

  /** Makes the list what the answers say. */
  #apply(pages: readonly { stretch: Stretch<Item>; page: ItemPage }[], reading: number): void {
    const before = this.activeId === null ? -1 : this.#rows.indexOf(this.activeId);
    const after = before < 0 ? [] : this.#rows.idsBetween(before + 1, before + LARGEST_PAGE);
    for (const { stretch, page } of pages) {
      if (!this.#rows.stretches.includes(stretch)) continue;
      const found = this.#rows.compare(stretch, fresh(page));
      const last = stretch === this.#rows.stretches.at(-1);
      this.#rows.apply(stretch, fresh(page), found, reading);
      if (found.ended || (last && found.beyond.length === 0)) this.#nextCursor = page.nextCursor;
    }
    this.selection = this.selection.keepShown(this.#rows);
    if (this.activeId !== null && !this.#rows.has(this.activeId)) {
      // The row left; the keyboard goes on from the next that is still there.
      const next = after.find((id) => this.#rows.has(id));
      this.activeId = next ?? this.#rows.idAt(this.#rows.length - 1) ?? null;
    }
  }
}
