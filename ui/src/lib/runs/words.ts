import type { ItemFilter, Run, RunDetail } from '../backend/backend';
import { href } from '../router.svelte';
import { m } from '../shared/messages';
import { ITEM_STATUSES } from '../backend/backend';
import type { ShownStatus } from '../status/presentation';

/** What a filter meant, in words: "Failed, to Acme, as of 14:03". */
export function filterWords(
  filter: ItemFilter,
  nameOf: (orgId: string) => string,
  timeOf: (at: string) => string,
): string {
  const { parts } = m.runs;
  const statuses = (filter.status ?? '').split(',');
  const words = ITEM_STATUSES.filter((one) => statuses.includes(one)).map((one) => m.status[one]);
  const text = [
    words.join(', '),
    filter.held === true ? parts.held : '',
    filter.dismissed === true ? parts.dismissed : '',
    filter.failureKey === undefined ? '' : parts.cause,
    filter.runId === undefined ? '' : parts.run,
    filter.externalId === undefined ? '' : parts.record(filter.externalId),
    filter.sourceOrgId === undefined ? '' : parts.from(nameOf(filter.sourceOrgId)),
    filter.targetOrgId === undefined ? '' : parts.to(nameOf(filter.targetOrgId)),
    filter.q === undefined ? '' : parts.matching(filter.q),
    filter.since === undefined ? '' : parts.since(timeOf(filter.since)),
    filter.until === undefined ? '' : parts.until(timeOf(filter.until)),
  ].filter((part) => part !== '');
  if (text.length === 0) text.push(parts.everything);
  if (filter.asOf !== undefined) text.push(parts.asOf(timeOf(filter.asOf)));
  return text.join(', ');
}

/** What a run meant, in words. */
export function meant(
  run: Pick<Run, 'filter'>,
  nameOf: (orgId: string) => string,
  timeOf: (at: string) => string,
): string {
  return run.filter === null ? m.runs.byName : filterWords(run.filter, nameOf, timeOf);
}

/** Where some of the items that a run changed stand now, and where to see exactly them. */
export interface Standing {
  status: ShownStatus;
  n: number;
  href: string;
}

/** Where the items that a run changed stand now; what none of them is, is left out. */
export function standings({ id, now }: Pick<RunDetail, 'id' | 'now'>): Standing[] {
  const rows = ITEM_STATUSES.map((status) => ({
    status: status as ShownStatus,
    n: now[status],
    // Dismissed ones are failed beneath, and have a list of their own.
    href:
      status === 'failed'
        ? href('failed', 'items', { runId: id })
        : href('activity', 'events', { status, runId: id }),
  }));
  rows.push({
    status: 'dismissed',
    n: now.dismissed,
    href: href('failed', 'dismissed', { runId: id }),
  });
  return rows.filter(({ n }) => n > 0);
}

/** How many of the changed items there are still: what was delivered long ago is forgotten some day. */
export function kept({ now }: Pick<RunDetail, 'now'>): number {
  return Object.values(now).reduce((sum, n) => sum + n, 0);
}
