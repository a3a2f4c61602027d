/** How much of an org's daily API calls is used, judged. */
export interface Gauge {
  percent: number;
  level: 'ok' | 'high' | 'critical';
}

/** From so many percent on it is worth a word. */
export const HIGH = 80;
/** From so many on deliveries are about to stop. */
export const CRITICAL = 95;

/** Judges a use; null where there is nothing to use. */
export function gauge(usage: { used: number; max: number } | null): Gauge | null {
  if (usage === null || usage.max <= 0) return null;
  const percent = Math.min(100, Math.floor((usage.used / usage.max) * 100));
  const level = percent >= CRITICAL ? 'critical' : percent >= HIGH ? 'high' : 'ok';
  return { percent, level };
}
