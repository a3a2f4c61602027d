import { formatLocale } from '../messages';
import type { TimeStyle } from '../shared/times.svelte';

const DAY_MS = 86_400_000;
const zones = { local: undefined, utc: 'UTC' } as const;

function formats(timeZone: string | undefined) {
  const make = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(formatLocale, { ...options, timeZone });
  return {
    hour: make({ hour: 'numeric', minute: '2-digit' }),
    day: make({ month: 'short', day: 'numeric' }),
    weekday: make({ weekday: 'short', day: 'numeric' }),
  };
}

const local = formats(zones.local);
const utc = formats(zones.utc);
const of = (style: TimeStyle) => (style === 'utc' ? utc : local);

/** What is written under a chart at a moment: the hour within a day or two, else the day. */
export function markLabel(at: number, spanMs: number, style: TimeStyle): string {
  const { hour, weekday, day } = of(style);
  if (spanMs <= 2 * DAY_MS) return hour.format(at);
  return (spanMs <= 8 * DAY_MS ? weekday : day).format(at);
}

/** A bucket in words: its day where the chart has several, and from when until when. */
export function spanLabel(from: number, to: number, style: TimeStyle): string {
  const { hour, day } = of(style);
  const zone = style === 'utc' ? ' UTC' : '';
  return `${day.format(from)}, ${hour.format(from)} – ${hour.format(to)}${zone}`;
}

/** How far the clock that labels are written by is ahead of UTC. */
export function wallOffsetMs(at: number, style: TimeStyle): number {
  return style === 'utc' ? 0 : -new Date(at).getTimezoneOffset() * 60_000;
}
