import { describe, expect, it } from 'vitest';
import { RowSelection } from './selection';

const order = ['a', 'b', 'c', 'd', 'e'];
const ids = (selection: RowSelection) => [...selection.ids].sort();

describe('RowSelection', () => {
  it('turns single rows over', () => {
    const one = new RowSelection().toggle('b');
    expect(ids(one)).toEqual(['b']);
    expect(ids(one.toggle('b'))).toEqual([]);
  });

  it('selects a range in both directions', () => {
    expect(ids(new RowSelection().toggle('b').extendTo('d', order))).toEqual(['b', 'c', 'd']);
    expect(ids(new RowSelection().toggle('d').extendTo('b', order))).toEqual(['b', 'c', 'd']);
  });

  it('keeps the start of the range for the next one', () => {
    const range = new RowSelection().toggle('b').extendTo('c', order).extendTo('e', order);
    expect(ids(range)).toEqual(['b', 'c', 'd', 'e']);
  });

  it('starts a range anew when its start has left the list', () => {
    expect(ids(new RowSelection([], 'gone').extendTo('d', order))).toEqual(['d']);
  });

  it('says what the box in the head shows', () => {
    expect(new RowSelection().coverage(order)).toBe('none');
    expect(new RowSelection(['a']).coverage(order)).toBe('some');
    expect(new RowSelection(order).coverage(order)).toBe('all');
    expect(new RowSelection().coverage([])).toBe('none');
  });

  it('selects all, then none', () => {
    const all = new RowSelection(['a']).toggleAll(order);
    expect(all.size).toBe(5);
    expect(all.toggleAll(order).size).toBe(0);
  });

  it('drops rows that left the list and keeps itself otherwise', () => {
    const selection = new RowSelection(['a', 'c'], 'c');
    expect(selection.keepOnly(order)).toBe(selection);
    const kept = selection.keepOnly(['a', 'b']);
    expect(ids(kept)).toEqual(['a']);
    expect(kept.anchor).toBeNull();
  });
});
