import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pointing } from './pointing';

describe('Pointing', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function setUp() {
    const told: boolean[] = [];
    return { told, pointing: new Pointing((on) => told.push(on)) };
  }

  it('lasts while the pointer moves, and ends when it rests', () => {
    const { told, pointing } = setUp();
    pointing.moved();
    vi.advanceTimersByTime(1900);
    pointing.moved();
    vi.advanceTimersByTime(1900);
    expect(told).toEqual([true]);
    vi.advanceTimersByTime(200);
    expect(told).toEqual([true, false]);
  });

  it('ends at once when the pointer leaves, and only once', () => {
    const { told, pointing } = setUp();
    pointing.left();
    pointing.moved();
    pointing.left();
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([true, false]);
  });
});
