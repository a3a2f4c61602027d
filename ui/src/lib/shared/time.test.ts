import { describe, expect, it } from 'vitest';
import { formatCountdown, formatDuration, parseDuration, remainingMs } from './time';

describe('the countdown', () => {
  it.each([
    [0, '00:00'],
    [-5000, '00:00'],
    [1, '00:01'],
    [42_000, '00:42'],
    [102_000, '01:42'],
    [3_599_000, '59:59'],
    [3_599_500, '1:00:00'],
    [3_661_000, '1:01:01'],
  ])('shows %d ms as %s', (ms, text) => {
    expect(formatCountdown(ms)).toBe(text);
  });

  it('is never negative', () => {
    const now = Date.parse('2026-01-01T00:00:10.000Z');
    expect(remainingMs('2026-01-01T00:00:00.000Z', now)).toBe(0);
    expect(remainingMs('2026-01-01T00:00:12.500Z', now)).toBe(2500);
    expect(remainingMs('no time at all', now)).toBe(0);
  });
});

describe('durations', () => {
  it.each([
    ['0s', 0],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['', null],
    ['soon', null],
    ['10', null],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    [84, '84 ms'],
    [1234, '1.2 s'],
    [12_345, '12 s'],
    [125_000, '2 min 5 s'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
