import { recall, remember } from '../shared/remember';

const KEY = 'sync-monitor.dismiss-reasons';
/** More than these nobody looks through. */
const MOST = 5;

/** The reasons that items were dismissed for lately, the last one first. */
export function recentReasons(): string[] {
  try {
    const value: unknown = JSON.parse(recall(KEY) ?? '[]');
    if (!Array.isArray(value)) return [];
    return value.filter((reason): reason is string => typeof reason === 'string').slice(0, MOST);
  } catch {
    // Somebody else's words under our name: as good as none.
    return [];
  }
}

/** Remembers a reason for the next dismissal. */
export function rememberReason(reason: string): void {
  const others = recentReasons().filter((one) => one !== reason);
  remember(KEY, JSON.stringify([reason, ...others].slice(0, MOST)));
}
