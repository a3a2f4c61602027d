import { formatLocale, m } from '../messages';
import type { TimeStyle } from './times.svelte';

/** The milliseconds from `now` until `at`; never negative, so nothing counts below zero. */
export function remainingMs(at: string, now: number): number {
  const target = Date.parse(at);
  return Number.isNaN(target) ? 0 : Math.max(0, target - now);
}

const two = (value: number) => String(value).padStart(2, '0');

/** `mm:ss` under an hour, `h:mm:ss` from there on. A begun second counts in full. */
export function formatCountdown(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = `${two(minutes % 60)}:${two(seconds % 60)}`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}:${rest}`;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a duration as the settings write it (`30s`, `1h30m`); null if it is not one. */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d+(?:ms|[smhd]))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[smhd])/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return total;
}

/** A measured duration, short: `84 ms`, `1.2 s`, `2 min 5 s`, `6 h 30 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const timeFormat = new Intl.DateTimeFormat(formatLocale, { timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat(formatLocale, { month: 'short', day: 'numeric' });
const clockFormat = new Intl.DateTimeFormat(formatLocale, { timeStyle: 'short' });
const weekdayFormat = new Intl.DateTimeFormat(formatLocale, { weekday: 'short' });
const yearFormat = new Intl.DateTimeFormat(formatLocale, { dateStyle: 'medium' });
const fullFormat = new Intl.DateTimeFormat(formatLocale, { dateStyle: 'full', timeStyle: 'long' });
const agoFormat = new Intl.RelativeTimeFormat(formatLocale, { style: 'narrow' });

/** The local time; with the day in front when it is not today. */
export function formatTime(at: string, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  const time = timeFormat.format(date);
  const today = new Date(now).toDateString() === date.toDateString();
  return today ? time : `${dayFormat.format(date)}, ${time}`;
}

/** The exact local time with day and zone, for titles. */
export function formatExactTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : fullFormat.format(date);
}

/** The time in UTC as logs write it, to the second. */
export function formatUtc(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** From so long ago on the day says more than the distance. */
const LONG_AGO_MS = 30 * DAY_MS;

/** How long ago it was or until it is, in whole minutes, hours or days; the day when that is long. */
export function formatAgo(at: string, now: number): string {
  const date = new Date(at);
  const ms = date.getTime() - now;
  if (Number.isNaN(ms)) return '';
  const size = Math.abs(ms);
  if (size < MINUTE_MS) return m.justNow;
  if (size >= LONG_AGO_MS) return yearFormat.format(date);
  const [unit, unitMs] =
    size < HOUR_MS
      ? (['minute', MINUTE_MS] as const)
      : size < DAY_MS
        ? (['hour', HOUR_MS] as const)
        : (['day', DAY_MS] as const);
  return agoFormat.format(Math.trunc(ms / unitMs), unit);
}

/** A long time in its largest unit: `2 min`, `3 hr`, `4 days`. */
export function formatRough(ms: number): string {
  const write = (value: number, unit: string) =>
    new Intl.NumberFormat(formatLocale, { style: 'unit', unit, unitDisplay: 'short' }).format(
      Math.floor(value),
    );
  if (ms < MINUTE_MS) return write(Math.max(0, ms) / 1000, 'second');
  if (ms < HOUR_MS) return write(ms / MINUTE_MS, 'minute');
  return ms < DAY_MS ? write(ms / HOUR_MS, 'hour') : write(ms / DAY_MS, 'day');
}

/** A planned time to the second, without what is nothing: `2 min 30 s`, `1 h 12 min`. */
export function formatSpan(ms: number): string {
  const units = [
    [DAY_MS, 'd'],
    [HOUR_MS, 'h'],
    [MINUTE_MS, 'min'],
    [1000, 's'],
    [1, 'ms'],
  ] as const;
  let rest = Math.round(ms);
  const parts: string[] = [];
  for (const [unitMs, unit] of units) {
    const n = Math.floor(rest / unitMs);
    rest -= n * unitMs;
    if (n > 0) parts.push(`${n} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

/** A moment as the switch has it. */
export function formatMoment(at: string, now: number, style: TimeStyle): string {
  if (style === 'relative') return formatAgo(at, now);
  return style === 'utc' ? formatUtc(at) : formatTime(at, now);
}

/** The same where a distance would not do: the time of this place unless UTC is chosen. */
export function formatExact(at: string, now: number, style: TimeStyle): string {
  return formatMoment(at, now, style === 'relative' ? 'local' : style);
}

/** A moment soon to come, to the minute; with the weekday when it is not today. */
export function formatClock(at: string, now: number, style: TimeStyle): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  if (style === 'utc') return `${date.toISOString().slice(11, 16)} UTC`;
  const today = new Date(now).toDateString() === date.toDateString();
  const time = clockFormat.format(date);
  return today ? time : `${weekdayFormat.format(date)} ${time}`;
}

/** The beginning of the day of a moment, in the time of this place. */
export function startOfDay(now: number): string {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}
