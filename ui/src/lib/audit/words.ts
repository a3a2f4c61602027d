import type { ActivityEntry } from '../backend/backend';
import { m } from '../shared/messages';

/** Puts names in the place of org IDs. */
export function withOrgNames(text: string, nameOf: (orgId: string) => string): string {
  return text.replace(/\b00D[A-Za-z0-9]{15}\b/g, (orgId) => nameOf(orgId));
}

/** What was done, in words; a name that has none here comes back as it is. */
export function actionWord(action: string): string {
  return m.log.actions[action] ?? action;
}

/** Who did it: the program itself, its demo, or a user. */
export function actorWord(actor: string | null): string {
  if (actor === 'relay') return m.log.relay;
  if (actor === 'demo') return m.log.demo;
  return (actor ?? '').replace(/^user:/, '');
}

/** A list that the program wrote as JSON, as people write one; other text as it is. */
function plain(text: string): string {
  if (!text.startsWith('[')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String).join(', ') : text;
  } catch {
    return text;
  }
}

/** The item that an entry is about, if it is about one. */
export function itemOf(entry: Pick<ActivityEntry, 'action' | 'subject'>): string | null {
  return entry.action.startsWith('item.') ? entry.subject : null;
}

/** What is done to a record is told of by the name that it has everywhere. */
const OF_WORK_ITEMS = ['identity.', 'edit.', 'pull.deleted'];

/** The work item that an entry is about, by its externalId, if it is about one. */
export function workItemOf(entry: Pick<ActivityEntry, 'action' | 'subject'>): string | null {
  return OF_WORK_ITEMS.some((beginning) => entry.action.startsWith(beginning))
    ? entry.subject
    : null;
}

/** Reason, detail and number of an entry, in one line. */
export function remarks(
  entry: Pick<ActivityEntry, 'action' | 'subject' | 'reason' | 'detail' | 'count'>,
  nameOf: (orgId: string) => string,
): string {
  const health: Record<string, string> = m.orgs.health;
  const reason =
    entry.action === 'org.health' ? (health[entry.reason ?? ''] ?? entry.reason) : entry.reason;
  const counted = entry.action === 'echo.suppress' ? m.log.records : m.log.count;
  const parts = [
    reason ?? '',
    plain(entry.detail ?? ''),
    // The one item is named already.
    entry.count === null || itemOf(entry) !== null ? '' : counted(entry.count),
  ];
  return withOrgNames(parts.filter((part) => part !== '').join(' · '), nameOf);
}
