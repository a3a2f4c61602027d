import { formatLocale } from '../messages';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** The size of a file as people write it. */
export function formatBytes(bytes: number): string {
  const step = bytes <= 0 ? 0 : Math.floor(Math.log10(bytes) / 3);
  const at = Math.min(UNITS.length - 1, Math.max(0, step));
  const value = bytes / 1000 ** at;
  return new Intl.NumberFormat(formatLocale, {
    style: 'unit',
    unit: UNITS[at],
    unitDisplay: 'short',
    maximumFractionDigits: at === 0 || value >= 100 ? 0 : 1,
  }).format(value);
}
