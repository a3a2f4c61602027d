import type { Item } from '../backend/backend';

/** One change of a work item: a transaction, and its way to each target. */
export interface Version {
  transactionId: string;
  sourceOrgId: string;
  /** When it was received. */
  at: string;
  operation: string;
  title: string | null;
  items: Item[];
}

/** How an org stands to the newest version. */
export type Standing = 'current' | 'waiting' | 'failed' | 'dismissed' | 'newer' | 'notSent';

/** What an org is known to hold of a work item. */
export interface Holding {
  orgId: string;
  /** The newest version that it is known to hold; null where none is. */
  version: Version | null;
  /** Whether it made that version itself or got it; null where none is known. */
  how: 'sent' | 'delivered' | null;
  /** Since when. */
  since: string | null;
  standing: Standing;
  /** The item that keeps it from the newest version, if one does. */
  item: Item | null;
}

const key = (orgId: string) => orgId.slice(0, 15);
const time = (at: string) => Date.parse(at);

/** The versions that items belong to, the newest first. */
export function versionsOf(items: readonly Item[]): Version[] {
  const versions = new Map<string, Version>();
  for (const item of items) {
    const found = versions.get(item.transactionId);
    if (found === undefined) {
      versions.set(item.transactionId, {
        transactionId: item.transactionId,
        sourceOrgId: item.sourceOrgId,
        at: item.createdAt,
        operation: item.operation,
        title: item.title,
        items: [item],
      });
    } else {
      found.items.push(item);
      if (time(item.createdAt) < time(found.at)) found.at = item.createdAt;
    }
  }
  const all = [...versions.values()];
  for (const version of all)
    version.items.sort((a, b) => a.targetOrgId.localeCompare(b.targetOrgId));
  return all.sort(
    (a, b) => time(b.at) - time(a.at) || b.transactionId.localeCompare(a.transactionId),
  );
}

/** The orgs of a thread, in the order of their names. */
export function orgsOf(versions: readonly Version[], nameOf: (orgId: string) => string): string[] {
  const found = new Map<string, string>();
  for (const version of versions) {
    found.set(key(version.sourceOrgId), version.sourceOrgId);
    for (const item of version.items) found.set(key(item.targetOrgId), item.targetOrgId);
  }
  return [...found.values()].sort(
    (a, b) => nameOf(a).localeCompare(nameOf(b)) || a.localeCompare(b),
  );
}

/** An org's part in a version: it made it, it is a target of it, or neither. */
export function cellOf(version: Version, orgId: string): 'source' | Item | null {
  if (key(version.sourceOrgId) === key(orgId)) return 'source';
  return version.items.find((item) => key(item.targetOrgId) === key(orgId)) ?? null;
}

function standingOf(item: Item): Standing {
  if (item.status === 'superseded') return 'newer';
  if (item.status !== 'failed') return 'waiting';
  return item.dismissedAt === null ? 'failed' : 'dismissed';
}

/** What an org is known to hold, from the versions (newest first) that it made or was sent. */
export function holdingOf(versions: readonly Version[], orgId: string): Holding {
  const holding: Holding = {
    orgId,
    version: null,
    how: null,
    since: null,
    standing: 'notSent',
    item: null,
  };
  for (const version of versions) {
    const cell = cellOf(version, orgId);
    if (cell === null) continue;
    if (cell === 'source' || cell.status === 'synced') {
      holding.version = version;
      holding.how = cell === 'source' ? 'sent' : 'delivered';
      holding.since = cell === 'source' ? version.at : cell.updatedAt;
      break;
    }
    // The newest item that has not arrived says why the org is behind.
    holding.item ??= cell;
  }
  if (holding.version !== null && holding.version === versions[0]) holding.standing = 'current';
  else if (holding.item !== null) holding.standing = standingOf(holding.item);
  return holding;
}
