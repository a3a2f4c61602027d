import type { Item } from '../backend/backend';
import { m } from '../shared/messages';

/** What to call an item. */
export function itemTitle(item: Pick<Item, 'title' | 'externalIds'>): string {
  return item.title ?? item.externalIds[0] ?? m.list.untitled;
}

/** Says how many records an item has beyond its first; empty for one. */
export function moreRecords(item: Pick<Item, 'externalIds'>): string {
  return item.externalIds.length > 1 ? m.list.moreRecords(item.externalIds.length - 1) : '';
}

/** An item's operation in words; an unknown one as it came. */
export function operationWord(item: Pick<Item, 'operation'>): string {
  return m.operations[item.operation] ?? item.operation;
}
