import type { Item, Org } from '../backend/backend';
import { m } from '../shared/messages';

/**
 * What is said of the next attempt in the place of a countdown: once its time
 * has come, or while there is none. Never a time that has passed.
 */
export function dueText(
  item: Pick<Item, 'status' | 'heldBy'>,
  org: Pick<Org, 'health'> | null,
  online = navigator.onLine,
): string {
  if (item.status !== 'queued' && item.status !== 'retrying') return '';
  if (item.heldBy !== null && item.heldBy !== 'orgUnreachable') return m.list.dueHeld;
  const away = item.heldBy !== null || org?.health === 'orgUnreachable' || !online;
  return away ? m.list.dueOffline : m.list.dueNow;
}
