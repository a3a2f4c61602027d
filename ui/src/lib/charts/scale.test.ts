import { describe, expect, it } from 'vitest';
import type { StatsBucket } from '../backend/backend';
import { linePath, marks, niceMax, timeMarks, within } from './scale';
import { bucketMs, successRate } from './series';
import { markLabel, spanLabel } from './words';

describe('the scale of a chart', () => {
  it.each([
    [0, 1],
    [1, 1],
    [7, 8],
    [9, 10],
    [33, 40],
    [101, 200],
    [2310, 2500],
  ])('ends for %d at %d', (largest, top) => {
    expect(niceMax(largest)).toBe(top);
  });

  it('has whole marks where things are counted', () => {
    expect(marks(8)).toEqual([0, 2, 4, 6, 8]);
    expect(marks(10)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(marks(1)).toEqual([0, 1]);
    expect(marks(2)).toEqual([0, 1, 2]);
  });

  it('has round marks where things are measured', () => {
    expect(marks(25_000, false)).toEqual([0, 5000, 10_000, 15_000, 20_000, 25_000]);
    expect(marks(4000, false)).toEqual([0, 1000, 2000, 3000, 4000]);
  });

  it('puts time marks on round hours of the clock on the wall', () => {
    const from = Date.parse('2026-03-01T10:20:00Z');
    const day = timeMarks(from, from + 86_400_000, 8, 0);
    expect(day.map((at) => new Date(at).toISOString().slice(11, 16))).toEqual([
      '12:00',
      '15:00',
      '18:00',
      '21:00',
      '00:00',
      '03:00',
      '06:00',
      '09:00',
    ]);
    const india = timeMarks(from, from + 86_400_000, 4, 5.5 * 3_600_000);
    expect(new Date(india[0] ?? 0).toISOString()).toBe('2026-03-01T12:30:00.000Z');
    expect(timeMarks(from, from, 8, 0)).toEqual([]);
  });

  it('shows of a gap what lies within the chart', () => {
    const chart = { from: 100, to: 200 };
    expect(within({ from: 50, to: 150 }, chart)).toEqual({ from: 0, to: 0.5 });
    expect(within({ from: 0, to: 900 }, chart)).toEqual({ from: 0, to: 1 });
    expect(within({ from: 200, to: 300 }, chart)).toBeNull();
  });

  it('draws a line with breaks', () => {
    const at = (x: number) => ({ x, y: 1 });
    expect(linePath([at(0), at(1), null, at(3)])).toBe('M0.0 1.0L1.0 1.0M3.0 1.0');
    expect(linePath([])).toBe('');
  });
});

describe('what a chart says', () => {
  const at = Date.parse('2026-03-01T10:30:00Z');

  it('labels hours within a day, days beyond', () => {
    expect(markLabel(at, 86_400_000, 'utc')).toMatch(/10:30/);
    expect(markLabel(at, 7 * 86_400_000, 'utc')).toMatch(/Sun/);
    expect(markLabel(at, 30 * 86_400_000, 'utc')).toMatch(/Mar/);
    expect(spanLabel(at, at + 1_800_000, 'utc')).toMatch(/Mar 1, 10:30.*11:00.*UTC/);
  });

  it('reckons the share of what went well only where something ended', () => {
    expect(successRate({ synced: 3, failed: 1 })).toBe(75);
    expect(successRate({ synced: 0, failed: 0 })).toBeNull();
  });

  it('takes the width of a bucket from two of them, or from the whole', () => {
    const bucket = (iso: string) => ({ at: iso }) as StatsBucket;
    const two = [bucket('2026-03-01T10:00:00Z'), bucket('2026-03-01T10:30:00Z')];
    expect(bucketMs({ buckets: two }, 9)).toBe(1_800_000);
    expect(bucketMs({ buckets: [] }, 9)).toBe(9);
  });
});
