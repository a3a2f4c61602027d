import { describe, expect, it } from 'vitest';
import { menuMove } from './menu';

describe('the keys of a menu', () => {
  const labels = ['15 minutes', '1 hour', 'Until tomorrow', 'Until resumed'];

  it('go round', () => {
    expect(menuMove('ArrowDown', 3, labels)).toBe(0);
    expect(menuMove('ArrowUp', 0, labels)).toBe(3);
    expect(menuMove('ArrowDown', -1, labels)).toBe(0);
    expect([menuMove('Home', 2, labels), menuMove('End', 0, labels)]).toEqual([0, 3]);
  });

  it('find a line by its first letter, the next one each time', () => {
    expect(menuMove('u', 0, labels)).toBe(2);
    expect(menuMove('u', 2, labels)).toBe(3);
    expect(menuMove('U', 3, labels)).toBe(2);
    expect(menuMove('z', 0, labels)).toBeNull();
  });

  it('leave other keys alone', () => {
    expect(menuMove('Escape', 0, labels)).toBeNull();
    expect(menuMove(' ', 0, labels)).toBeNull();
  });
});
