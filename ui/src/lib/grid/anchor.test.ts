import { describe, expect, it } from 'vitest';
import { shiftOf } from './anchor';

const order =
  (...ids: string[]) =>
  (id: string) =>
    ids.indexOf(id);

describe('shiftOf', () => {
  it('follows the first candidate that is still there', () => {
    const seen = [
      { id: 'a', index: 0 },
      { id: 'b', index: 1 },
    ];
    expect(shiftOf(seen, order('new', 'a', 'b'))).toBe(1);
    expect(shiftOf(seen, order('x', 'y', 'z', 'b'))).toBe(2);
    expect(shiftOf([{ id: 'b', index: 5 }], order('a', 'b'))).toBe(-4);
  });

  it('scrolls nothing when nothing is left, or nothing was seen', () => {
    expect(shiftOf([{ id: 'a', index: 3 }], order('b'))).toBe(0);
    expect(shiftOf([], order('b'))).toBe(0);
  });
});
