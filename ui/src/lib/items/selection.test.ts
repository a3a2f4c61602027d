import { describe, expect, it } from 'vitest';
import { PagedRows } from './rows';
import { RowSelection } from './selection';

function listOf(...ids: string[]): PagedRows<{ id: string }> {
  const rows = new PagedRows<{ id: string }>();
  // Two stretches: ranges go across them.
  const half = ids.slice(0, 2);
  if (half.length > 0)
    rows.append(
      null,
      half.map((id) => ({ id })),
      1,
    );
  const rest = ids.slice(2);
  if (rest.length > 0)
    rows.append(
      '2',
      rest.map((id) => ({ id })),
      1,
    );
  return rows;
}

const order = listOf('a', 'b', 'c', 'd', 'e');
const ids = (selection: RowSelection) => [...selection.ids].sort();
const row = (id: string, updatedAt = '2026-01-01T10:00:00.000Z') => ({ id, updatedAt });

describe('RowSelection', () => {
  it('turns single rows over', () => {
    const one = new RowSelection().toggle('b', order);
    expect(ids(one)).toEqual(['b']);
    expect(one.has(row('b'))).toBe(true);
    expect(ids(one.toggle('b', order))).toEqual([]);
  });

  it('selects a range in both directions, across stretches', () => {
    const from = (id: string) => new RowSelection().toggle(id, order);
    expect(ids(from('b').extendTo('d', order))).toEqual(['b', 'c', 'd']);
    expect(ids(from('d').extendTo('b', order))).toEqual(['b', 'c', 'd']);
  });

  it('keeps the start of the range for the next one', () => {
    const range = new RowSelection().toggle('b', order).extendTo('c', order).extendTo('e', order);
    expect(ids(range)).toEqual(['b', 'c', 'd', 'e']);
  });

  it('starts a range anew when its start has left the list', () => {
    expect(ids(new RowSelection([], 'gone').extendTo('d', order))).toEqual(['d']);
  });

  it('says what the box in the head shows', () => {
    expect(new RowSelection().coverage(order)).toBe('none');
    expect(new RowSelection(['a']).coverage(order)).toBe('some');
    expect(new RowSelection(order.ids()).coverage(order)).toBe('all');
    expect(new RowSelection().coverage(listOf())).toBe('none');
  });

  it('selects all loaded rows, then none', () => {
    const all = new RowSelection(['a']).toggleAll(order);
    expect(all.size).toBe(5);
    expect(all.toggleAll(order).size).toBe(0);
  });

  it('drops rows that left the list and keeps itself otherwise', () => {
    const selection = new RowSelection(['a', 'c'], 'c');
    expect(selection.keepShown(order)).toBe(selection);
    const kept = selection.keepShown(listOf('a', 'b'));
    expect(ids(kept)).toEqual(['a']);
    expect(kept.anchor).toBeNull();
  });

  describe('of everything that matches', () => {
    const filter = { status: 'failed', asOf: '2026-01-01T10:00:00.000Z' };
    const all = new RowSelection(order.ids(), null, { filter, total: 1284 });

    it('counts what is not loaded too, and is sent as the filter', () => {
      expect(all.size).toBe(1284);
      expect(all.coverage(order)).toBe('all');
      expect(all.toSelection()).toEqual({ filter });
      expect(new RowSelection(['a']).toSelection()).toEqual({ ids: ['a'] });
    });

    it('does not show what changed later as selected', () => {
      expect(all.has(row('z'))).toBe(true);
      expect(all.has(row('z', '2026-01-01T10:00:00.001Z'))).toBe(false);
    });

    it('becomes the loaded rows without the one that is turned over', () => {
      expect(ids(all.toggle('b', order))).toEqual(['a', 'c', 'd', 'e']);
      expect(all.toggle('b', order).everything).toBeNull();
      expect(all.toggleAll(order).size).toBe(0);
    });
  });
});
