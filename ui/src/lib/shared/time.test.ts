import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatCountdown,
  formatDuration,
  formatMoment,
  formatRough,
  formatSpan,
  formatUtc,
  parseDuration,
  remainingMs,
  startOfDay,
} from './time';
import { Times } from './times.svelte';

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
    [3_599_600, '1 h 0 min'],
    [23_400_000, '6 h 30 min'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('a planned time', () => {
  it.each([
    [0, '0 s'],
    [150_000, '2 min 30 s'],
    [4_350_000, '1 h 12 min 30 s'],
    [86_400_500, '1 d 500 ms'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });
});

describe('a rough time', () => {
  it.each([
    [-5, '0 sec'],
    [42_900, '42 sec'],
    [125_000, '2 min'],
    [3 * 3_600_000, '3 hr'],
    [50 * 3_600_000, '2 days'],
  ])('says %d ms as %s', (ms, text) => {
    expect(formatRough(ms)).toBe(text);
  });
});

describe('moments', () => {
  const now = Date.parse('2026-03-01T10:15:30.000Z');
  const before = (ms: number) => new Date(now - ms).toISOString();

  it.each([
    [0, 'just now'],
    [59_000, 'just now'],
    [60_000, '1m ago'],
    [3_599_000, '59m ago'],
    [3_600_000, '1h ago'],
    [25 * 3_600_000, '1d ago'],
    [-120_000, 'in 2m'],
  ])('say %d ms ago as %s', (ms, text) => {
    expect(formatAgo(before(ms), now)).toBe(text);
  });

  it('say the day when it is long ago', () => {
    expect(formatAgo(before(31 * 86_400_000), now)).toMatch(/Jan.*2026/);
  });

  it('are written as the switch has it, or as nothing where they are none', () => {
    const at = '2026-03-01T09:14:30.250Z';
    expect(formatMoment(at, now, 'relative')).toBe('1h ago');
    expect(formatMoment(at, now, 'utc')).toBe('2026-03-01 09:14:30 UTC');
    expect(formatMoment(at, now, 'local')).toMatch(/\d:\d\d:30/);
    expect([formatAgo('no', now), formatUtc('no'), formatMoment('no', now, 'local')]).toEqual([
      '',
      '',
      '',
    ]);
  });

  it('turn from one way to the next, and are remembered', () => {
    const times = new Times();
    expect(times.style).toBe('relative');
    expect([times.next(), times.next()]).toEqual(['local', 'utc']);
    expect(new Times().style).toBe('utc');
    expect(times.next()).toBe('relative');
  });

  it('know when the day began here', () => {
    const start = new Date(startOfDay(now));
    expect([start.getHours(), start.getMinutes(), start.getDate()]).toEqual([
      0,
      0,
      new Date(now).getDate(),
    ]);
  });
});
