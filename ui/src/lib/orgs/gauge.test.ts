import { describe, expect, it } from 'vitest';
import { gauge } from './gauge';

describe('the API gauge', () => {
  it.each([
    [0, 100, 0, 'ok'],
    [799, 1000, 79, 'ok'],
    [800, 1000, 80, 'high'],
    [949, 1000, 94, 'high'],
    [950, 1000, 95, 'critical'],
    [5000, 1000, 100, 'critical'],
  ])('judges %i of %i', (used, max, percent, level) => {
    expect(gauge({ used, max })).toEqual({ percent, level });
  });

  it('shows nothing where nothing is known', () => {
    expect(gauge(null)).toBeNull();
    expect(gauge({ used: 0, max: 0 })).toBeNull();
  });
});
