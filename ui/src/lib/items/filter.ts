import { ITEM_STATUSES, type ItemFilter, type ItemSort, type ItemStatus } from '../backend/backend';
import type { PlaceFilter, Tab } from '../router.svelte';

/** The lists of items, by their tabs. */
export const LISTS = [
  'items',
  'dismissed',
  'queued',
  'retrying',
  'sending',
  'held',
  'events',
] as const satisfies readonly Tab[];

/** One of {@link LISTS}. */
export type ListTab = (typeof LISTS)[number];

/**
 * What is behind each tab. It asks for exactly what the status counts, so that
 * every number elsewhere leads to that many rows.
 */
const BASE: Record<ListTab, ItemFilter> = {
  // Said outright: of what a run changed the dismissed would come along.
  items: { status: 'failed', dismissed: false },
  dismissed: { status: 'failed', dismissed: true },
  queued: { status: 'queued' },
  retrying: { status: 'retrying' },
  sending: { status: 'processing' },
  // Named, so that the soonest due comes first.
  held: { status: 'queued,retrying', held: true },
  events: {},
};

/** What the address can narrow a list by, besides the status of events. */
const NARROWING = [
  'targetOrgId',
  'sourceOrgId',
  'q',
  'since',
  'until',
  'failureKey',
  'runId',
] as const satisfies readonly (keyof PlaceFilter & keyof ItemFilter)[];

/** Whether a tab shows a list of items. */
export function isList(tab: Tab | null): tab is ListTab {
  return LISTS.some((name) => name === tab);
}

/** What a list asks the program for. */
export function itemFilter(tab: ListTab, narrowed: PlaceFilter): ItemFilter {
  const filter: ItemFilter = { ...BASE[tab] };
  for (const key of NARROWING) {
    const value = narrowed[key];
    if (value !== undefined) filter[key] = value;
  }
  const statuses = statusesOf(narrowed);
  if (tab === 'events' && statuses.length > 0) filter.status = statuses.join(',');
  return filter;
}

/** The statuses that an address asks for; names that are none are left out. */
export function statusesOf(narrowed: PlaceFilter): ItemStatus[] {
  const asked = narrowed.status?.split(',') ?? [];
  return ITEM_STATUSES.filter((status) => asked.includes(status));
}

/** The statuses with one more or one less. All of them are as good as none. */
export function toggleStatus(narrowed: PlaceFilter, status: ItemStatus): string | undefined {
  const before = statusesOf(narrowed);
  const after = before.includes(status)
    ? before.filter((one) => one !== status)
    : ITEM_STATUSES.filter((one) => one === status || before.includes(one));
  return after.length === 0 || after.length === ITEM_STATUSES.length ? undefined : after.join(',');
}

/** Whether an address narrows a list beyond its tab. */
export function isNarrowed(tab: ListTab, narrowed: PlaceFilter): boolean {
  const byStatus = tab === 'events' && statusesOf(narrowed).length > 0;
  return byStatus || NARROWING.some((key) => narrowed[key] !== undefined);
}

/** Takes everything out of an address that narrows a list; the order stays. */
export const EVERYTHING: PlaceFilter = {
  status: undefined,
  targetOrgId: undefined,
  sourceOrgId: undefined,
  q: undefined,
  since: undefined,
  until: undefined,
  failureKey: undefined,
  runId: undefined,
};

/** Whether something can be done with many of a list's rows; of the others there is nothing to select. */
export function isSelectable(tab: ListTab): boolean {
  return tab === 'items' || tab === 'dismissed' || tab === 'retrying' || tab === 'events';
}

/** The columns that a list can be ordered by. */
export type SortColumn = 'updatedAt' | 'nextAttemptAt';

const SORTS: readonly ItemSort[] = [
  'createdAt',
  '-createdAt',
  'updatedAt',
  '-updatedAt',
  'nextAttemptAt',
  '-nextAttemptAt',
];

/** Whether a list has a next attempt to show and to order by. */
export function hasNext(tab: ListTab): boolean {
  return tab === 'queued' || tab === 'retrying' || tab === 'sending' || tab === 'held';
}

/** Whether the program orders a list by a column. Of all kinds together it knows no next attempt. */
export function canSort(tab: ListTab, column: SortColumn): boolean {
  return column === 'updatedAt' || hasNext(tab);
}

/** The order that an address asks for; undefined for one that the list cannot have. */
export function sortOf(tab: ListTab, narrowed: PlaceFilter): ItemSort | undefined {
  const sort = SORTS.find((one) => one === narrowed.sort);
  if (sort?.endsWith('nextAttemptAt') === true && !canSort(tab, 'nextAttemptAt')) return undefined;
  return sort;
}

/** The order that the program chooses where none is asked for. */
export function defaultSort(tab: ListTab, filter: ItemFilter): ItemSort {
  if (canSort(tab, 'nextAttemptAt')) return 'nextAttemptAt';
  // One status alone is ordered by its last change; a mixture as it was accepted.
  const one = filter.status !== undefined && !filter.status.includes(',');
  return one ? '-updatedAt' : '-createdAt';
}

/** What a column's head says of the order. */
export function ariaSort(column: SortColumn, sort: ItemSort): 'ascending' | 'descending' | 'none' {
  if (sort === column) return 'ascending';
  return sort === `-${column}` ? 'descending' : 'none';
}

/** The order after a click on a column's head: the other way round, or the column's usual way first. */
export function nextSort(column: SortColumn, sort: ItemSort): ItemSort {
  if (sort === column) return `-${column}`;
  if (sort === `-${column}`) return column;
  return column === 'updatedAt' ? '-updatedAt' : column;
}

/** A moment as the browser's own field for day and time has it, in local time; empty for none. */
export function toLocalField(at: string | undefined): string {
  const date = new Date(at ?? '');
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What a field for day and time holds, as the program takes it; undefined for nothing. */
export function fromLocalField(value: string): string | undefined {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Why a list is empty, which is four different pieces of news. */
export type Emptiness = 'nothingYet' | 'nothingMatches' | 'healthy' | 'nothing';

/** Why a list without rows has none. */
export function emptiness(tab: ListTab, narrowed: PlaceFilter, everAny: boolean): Emptiness {
  if (isNarrowed(tab, narrowed)) return 'nothingMatches';
  if (!everAny) return 'nothingYet';
  return tab === 'events' || tab === 'dismissed' ? 'nothing' : 'healthy';
}
