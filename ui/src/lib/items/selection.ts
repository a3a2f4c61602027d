import type { Item, ItemFilter, Selection } from '../backend/backend';

/** What {@link RowSelection} needs to know of the rows in a list. */
export interface RowOrder {
  /** How many rows are loaded. */
  readonly length: number;
  has(id: string): boolean;
  indexOf(id: string): number;
  ids(): string[];
  idsBetween(from: number, to: number): string[];
}

/** Everything that a filter matches, as of a moment. */
export interface Everything {
  /** With `asOf` in it: what changed later is not meant. */
  filter: ItemFilter;
  total: number;
}

/**
 * Which rows of a list are selected: by name, or everything that the list's
 * filter matches. Immutable: every change gives a new selection, so that the
 * list that shows it needs no other notification.
 */
export class RowSelection {
  readonly ids: ReadonlySet<string>;
  /** Where a shift-click range begins. */
  readonly anchor: string | null;
  /** Set where everything that matches is selected, loaded or not. */
  readonly everything: Everything | null;

  constructor(
    ids: Iterable<string> = [],
    anchor: string | null = null,
    everything: Everything | null = null,
  ) {
    this.ids = new Set(ids);
    this.anchor = anchor;
    this.everything = everything;
  }

  /** How many are selected. */
  get size(): number {
    return this.everything?.total ?? this.ids.size;
  }

  /** Whether a row is selected. */
  has(row: Pick<Item, 'id' | 'updatedAt'>): boolean {
    const asOf = this.everything?.filter.asOf;
    return asOf === undefined
      ? this.ids.has(row.id)
      : Date.parse(row.updatedAt) <= Date.parse(asOf);
  }

  /** Turns one row over and makes it the start of the next range. */
  toggle(id: string, order: RowOrder): RowSelection {
    // Of "everything but this one" the program knows nothing: the loaded others stay selected.
    const ids = new Set(this.everything === null ? this.ids : order.ids());
    if (!ids.delete(id)) ids.add(id);
    return new RowSelection(ids, id);
  }

  /** Selects everything from the anchor to the row, as the list stands now. */
  extendTo(id: string, order: RowOrder): RowSelection {
    const to = order.indexOf(id);
    const from = this.anchor === null ? -1 : order.indexOf(this.anchor);
    if (to < 0 || from < 0 || this.everything !== null) return this.toggle(id, order);
    const range = order.idsBetween(Math.min(from, to), Math.max(from, to));
    return new RowSelection([...this.ids, ...range], this.anchor);
  }

  /** What the box in the table's head shows. Only loaded rows can be selected by name. */
  coverage(order: RowOrder): 'none' | 'some' | 'all' {
    if (this.everything !== null) return 'all';
    if (this.ids.size === 0) return 'none';
    return this.ids.size === order.length ? 'all' : 'some';
  }

  /** Selects every loaded row, or none when all are selected already. */
  toggleAll(order: RowOrder): RowSelection {
    return this.coverage(order) === 'all' ? new RowSelection() : new RowSelection(order.ids());
  }

  /** Drops the rows that left the list: what is not shown must not be acted upon. */
  keepShown(order: RowOrder): RowSelection {
    if (this.everything !== null) return this;
    const kept = [...this.ids].filter((id) => order.has(id));
    if (kept.length === this.ids.size) return this;
    return new RowSelection(
      kept,
      this.anchor !== null && order.has(this.anchor) ? this.anchor : null,
    );
  }

  /** What is selected, as the program takes it. */
  toSelection(): Selection {
    return this.everything === null ? { ids: [...this.ids] } : { filter: this.everything.filter };
  }
}
