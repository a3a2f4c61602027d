import type { Cause, FailureGroup, ItemDetail, LastError } from '../backend/backend';
import titles from './cause-titles.json';

const BY_CODE: Partial<Record<string, string>> = titles.byCode;

/**
 * What a failure is called in a list, in a few words: by its code if that is
 * known, else by its HTTP status. The explanation comes with the item itself.
 */
export function causeTitle(error: Pick<LastError, 'httpStatus' | 'errorCode'>): string {
  const byCode = error.errorCode === null ? undefined : BY_CODE[error.errorCode];
  if (byCode !== undefined) return byCode;
  const status = error.httpStatus ?? 0;
  if (status === 0) return titles.noAnswer;
  const row = titles.byStatus.find(({ from, to }) => from <= status && status <= to);
  return row?.title ?? titles.unknown;
}

/** Whether an item's failure stands and is explained; a delivered item keeps its old error, which says nothing any more. */
export function standingCause(item: Pick<ItemDetail, 'status' | 'cause'>): Cause | null {
  return item.status === 'synced' || item.status === 'superseded' ? null : item.cause;
}

/** The open cause that weighs most: what needs a person before what passes, then the more frequent one. */
export function worstOf(groups: readonly FailureGroup[]): FailureGroup | null {
  const weight = (group: FailureGroup) => (group.cause.fixer === 'wait' ? 0 : 1);
  return [...groups].sort((a, b) => weight(b) - weight(a) || b.count - a.count)[0] ?? null;
}
