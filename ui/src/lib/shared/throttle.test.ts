import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Throttle } from './throttle';

describe('Throttle', () => {
  let passed: string[];
  let throttle: Throttle<string>;

  beforeEach(() => {
    vi.useFakeTimers();
    passed = [];
    throttle = new Throttle((value) => passed.push(value), 10_000);
  });
  afterEach(() => vi.useRealTimers());

  it('passes the first value at once and then only the last of each interval', () => {
    for (const value of ['1', '2', '3']) throttle.push(value);
    expect(passed).toEqual(['1']);
    vi.advanceTimersByTime(9999);
    expect(passed).toEqual(['1']);
    vi.advanceTimersByTime(1);
    expect(passed).toEqual(['1', '3']);
    throttle.push('4');
    vi.advanceTimersByTime(10_000);
    expect(passed).toEqual(['1', '3', '4']);
  });

  it('repeats nothing when nothing came', () => {
    throttle.push('1');
    vi.advanceTimersByTime(60_000);
    expect(passed).toEqual(['1']);
    throttle.push('2');
    expect(passed).toEqual(['1', '2']);
  });

  it('drops what waits when it is reset', () => {
    throttle.push('1');
    throttle.push('2');
    throttle.reset();
    vi.advanceTimersByTime(60_000);
    throttle.push('3');
    expect(passed).toEqual(['1', '3']);
  });
});
