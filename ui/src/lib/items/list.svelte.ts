import type { Backend, Item, ItemFilter } from '../backend/backend';
import { Refresher } from '../shared/refresher';
import { RowSelection } from './selection';

const PAGE = 100;
const LARGEST_PAGE = 500;

/** The rows of one list, how far they are loaded, and which are selected. */
export class ItemList {
  rows = $state.raw<Item[]>([]);
  total = $state(0);
  nextCursor = $state<string | null>(null);
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  selection = $state.raw(new RowSelection());
  /** The row that the keyboard is on. */
  activeId = $state<string | null>(null);
  filter = $state.raw<ItemFilter>({});

  readonly order = $derived(this.rows.map((row) => row.id));
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #generation = 0;
  #refresher = new Refresher(() => this.#reload());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Shows what another filter matches, from the top. */
  show(filter: ItemFilter): Promise<void> {
    this.#generation += 1;
    this.filter = filter;
    this.rows = [];
    this.total = 0;
    this.nextCursor = null;
    this.phase = 'loading';
    this.selection = new RowSelection();
    this.activeId = null;
    return this.refresh();
  }

  /** Reads the loaded rows again; selection and place stay. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Loads the page after the last row. */
  async more(): Promise<void> {
    if (this.nextCursor === null) return;
    const generation = this.#generation;
    try {
      const page = await this.#backend.items(this.filter, PAGE, this.nextCursor);
      if (generation !== this.#generation) return;
      const known = new Set(this.order);
      this.rows = [...this.rows, ...page.items.filter((item) => !known.has(item.id))];
      this.total = page.total;
      this.nextCursor = page.nextCursor;
    } catch (error) {
      this.#onProblem(error);
    }
  }

  /** Moves the keyboard's row; returns its id. */
  move(step: 1 | -1): string | null {
    const at = this.activeId === null ? -1 : this.order.indexOf(this.activeId);
    const to = at < 0 ? 0 : Math.min(this.order.length - 1, Math.max(0, at + step));
    this.activeId = this.order[to] ?? null;
    return this.activeId;
  }

  async #reload(): Promise<void> {
    const generation = this.#generation;
    const wanted = Math.max(PAGE, this.rows.length);
    try {
      const rows: Item[] = [];
      let cursor: string | null = null;
      let total: number;
      do {
        const limit = Math.min(LARGEST_PAGE, wanted - rows.length);
        const page = await this.#backend.items(this.filter, limit, cursor);
        // The filter changed meanwhile: the answer belongs to a list no longer shown.
        if (generation !== this.#generation) return;
        rows.push(...page.items);
        cursor = page.nextCursor;
        total = page.total;
      } while (cursor !== null && rows.length < wanted);
      this.#place(rows);
      this.total = total;
      this.nextCursor = cursor;
      this.phase = 'ready';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#onProblem(error);
      // Rows that are on the screen stay there: old data beats none.
      if (this.rows.length === 0) this.phase = 'error';
    }
  }

  #place(rows: Item[]): void {
    const before = this.activeId === null ? -1 : this.order.indexOf(this.activeId);
    this.rows = [...new Map(rows.map((row) => [row.id, row])).values()];
    this.selection = this.selection.keepOnly(this.order);
    if (this.activeId !== null && !this.order.includes(this.activeId)) {
      // The row left; the keyboard stays where it was, on the row that took its place.
      this.activeId = this.order[Math.min(before, this.order.length - 1)] ?? null;
    }
  }
}
