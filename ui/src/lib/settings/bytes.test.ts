import { describe, expect, it } from 'vitest';
import { formatBytes } from './bytes';

describe('the size of a file', () => {
  it.each([
    [0, '0 byte'],
    [999, '999 byte'],
    [1000, '1 kB'],
    [48_234_496, '48.2 MB'],
    [512_000_000, '512 MB'],
    [1_500_000_000, '1.5 GB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
