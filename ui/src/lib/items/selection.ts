/**
 * Which rows of a list are selected. Immutable: every change gives a new
 * selection, so that the list that shows it needs no other notification.
 */
export class RowSelection {
  readonly ids: ReadonlySet<string>;
  /** Where a shift-click range begins. */
  readonly anchor: string | null;

  constructor(ids: Iterable<string> = [], anchor: string | null = null) {
    this.ids = new Set(ids);
    this.anchor = anchor;
  }

  /** How many rows are selected. */
  get size(): number {
    return this.ids.size;
  }

  /** Whether a row is selected. */
  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Turns one row over and makes it the start of the next range. */
  toggle(id: string): RowSelection {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    return new RowSelection(ids, id);
  }

  /** Selects everything from the anchor to the row, as the list stands now. */
  extendTo(id: string, order: readonly string[]): RowSelection {
    const to = order.indexOf(id);
    const from = this.anchor === null ? -1 : order.indexOf(this.anchor);
    if (to < 0 || from < 0) return this.toggle(id);
    const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
    return new RowSelection([...this.ids, ...range], this.anchor);
  }

  /** What the box in the table's head shows. */
  coverage(order: readonly string[]): 'none' | 'some' | 'all' {
    const selected = order.filter((id) => this.ids.has(id)).length;
    if (selected === 0) return 'none';
    return selected === order.length ? 'all' : 'some';
  }

  /** Selects every shown row, or none when all are selected already. */
  toggleAll(order: readonly string[]): RowSelection {
    return this.coverage(order) === 'all' ? new RowSelection() : new RowSelection(order);
  }

  /** Drops the rows that left the list: what is not shown must not be acted upon. */
  keepOnly(order: readonly string[]): RowSelection {
    const kept = order.filter((id) => this.ids.has(id));
    if (kept.length === this.ids.size) return this;
    const anchor = this.anchor !== null && order.includes(this.anchor) ? this.anchor : null;
    return new RowSelection(kept, anchor);
  }
}
