import type { ActivityFilter } from '../backend/backend';
import type { PlaceFilter } from '../router.svelte';
import { m } from '../shared/messages';

/** What the address says of the log. */
export function activityFilter(place: PlaceFilter): ActivityFilter {
  const { action, actor, subject, since, until } = place;
  const filter: ActivityFilter = { action, actor, subject, since, until };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** Names of what was done, by what it was done with: the beginning up to the dot. */
export function actionGroups(): { prefix: string; word: string; actions: string[] }[] {
  const groups = new Map<string, string[]>();
  for (const action of Object.keys(m.log.actions)) {
    const prefix = action.slice(0, action.indexOf('.') + 1);
    groups.set(prefix, [...(groups.get(prefix) ?? []), action]);
  }
  return [...groups].map(([prefix, actions]) => ({
    prefix,
    word: m.log.groups[prefix] ?? prefix,
    actions,
  }));
}

const two = (value: number) => String(value).padStart(2, '0');

/** A moment as a field for date and time has it: in the time of this place, to the minute; empty for none. */
export function toField(at: string | undefined): string {
  const date = new Date(at ?? '');
  if (Number.isNaN(date.getTime())) return '';
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What a field for date and time holds, as the API takes it; undefined for nothing. */
export function fromField(text: string): string | undefined {
  const date = new Date(text);
  return text === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
