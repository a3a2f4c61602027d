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

/** A measured duration, short: `84 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const timeFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

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
