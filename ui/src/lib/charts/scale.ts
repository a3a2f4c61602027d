/** The round number at or above the largest value, to be the top of an axis. */
export function niceMax(largest: number): number {
  if (!(largest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [1, 2, 2.5, 4, 5, 8, 10].find((one) => one * power >= largest) ?? 10;
  return step * power;
}

/** The marks of an axis from nothing to its top: round ones, and whole ones where things are counted. */
export function marks(top: number, whole = true): number[] {
  const digit = top / 10 ** Math.floor(Math.log10(top));
  const order = [2, 4, 8].includes(digit) ? [4, 2] : [5, 4, 2, 3];
  const parts = order.find((n) => !whole || Number.isInteger(top / n)) ?? 1;
  return Array.from({ length: parts + 1 }, (_, index) => (top / parts) * index);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  4 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  5 * DAY,
  7 * DAY,
  14 * DAY,
];

/**
 * The moments to write under a chart, at most so many, on round hours or days.
 *
 * @param offsetMs how far the clock on the wall is ahead of UTC
 */
export function timeMarks(from: number, to: number, most: number, offsetMs: number): number[] {
  const span = to - from;
  if (span <= 0 || most < 1) return [];
  const step = STEPS.find((one) => span / one <= most) ?? span;
  const first = Math.ceil((from + offsetMs) / step) * step - offsetMs;
  const found: number[] = [];
  for (let at = first; at <= to; at += step) found.push(at);
  return found;
}

/** Something on a time axis, from 0 at its beginning to 1 at its end. */
export interface Span {
  from: number;
  to: number;
}

/** The part of a stretch of time that a chart shows, as fractions of its width; null for none. */
export function within(stretch: Span, chart: Span): Span | null {
  const length = chart.to - chart.from;
  const from = Math.max(stretch.from, chart.from);
  const to = Math.min(stretch.to, chart.to);
  if (length <= 0 || to <= from) return null;
  return { from: (from - chart.from) / length, to: (to - chart.from) / length };
}

/** An SVG path through points; a null interrupts it. */
export function linePath(points: readonly ({ x: number; y: number } | null)[]): string {
  let pen = 'M';
  return points
    .map((point) => {
      if (point === null) {
        pen = 'M';
        return '';
      }
      const part = `${pen}${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
      pen = 'L';
      return part;
    })
    .join('');
}
