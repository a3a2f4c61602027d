import { describe, expect, it } from 'vitest';
import {
  ariaSort,
  canSort,
  defaultSort,
  emptiness,
  EVERYTHING,
  fromLocalField,
  isList,
  isNarrowed,
  isSelectable,
  itemFilter,
  LISTS,
  nextSort,
  sortOf,
  statusesOf,
  toggleStatus,
  toLocalField,
} from './filter';

describe('the filter of a list', () => {
  it('asks for what its tab counts, narrowed by the address', () => {
    expect(itemFilter('items', {})).toEqual({ status: 'failed', dismissed: false });
    expect(itemFilter('dismissed', { q: 'lock' })).toEqual({
      status: 'failed',
      dismissed: true,
      q: 'lock',
    });
    expect(itemFilter('sending', { targetOrgId: '00D1' })).toEqual({
      status: 'processing',
      targetOrgId: '00D1',
    });
    expect(itemFilter('held', { runId: 'r', since: 's', until: 'u', failureKey: 'k' })).toEqual({
      status: 'queued,retrying',
      held: true,
      runId: 'r',
      since: 's',
      until: 'u',
      failureKey: 'k',
    });
  });

  it('takes statuses only for events, and only those that there are', () => {
    expect(itemFilter('events', { status: 'synced,failed,lost' })).toEqual({
      status: 'failed,synced',
    });
    expect(itemFilter('events', { status: 'lost' })).toEqual({});
    expect(itemFilter('items', { status: 'synced' }).status).toBe('failed');
  });

  it('turns statuses over one by one; all of them are no filter', () => {
    expect(toggleStatus({}, 'synced')).toBe('synced');
    expect(toggleStatus({ status: 'synced' }, 'failed')).toBe('failed,synced');
    expect(toggleStatus({ status: 'synced' }, 'synced')).toBeUndefined();
    const five = { status: 'queued,processing,retrying,failed,synced' };
    expect(statusesOf(five)).toHaveLength(5);
    expect(toggleStatus(five, 'superseded')).toBeUndefined();
  });

  it('knows when it is narrowed, and by what to clear it', () => {
    expect(isNarrowed('items', {})).toBe(false);
    expect(isNarrowed('items', { sort: 'updatedAt' })).toBe(false);
    expect(isNarrowed('items', { status: 'synced' })).toBe(false);
    for (const key of Object.keys(EVERYTHING)) {
      expect(isNarrowed('events', { [key]: 'synced' })).toBe(true);
    }
    expect(LISTS.filter(isSelectable)).toEqual(['items', 'dismissed', 'retrying', 'events']);
    expect(isList('items') && isList('held')).toBe(true);
    expect(isList('causes') || isList('work-items') || isList(null)).toBe(false);
  });
});

describe('the order of a list', () => {
  it('is the program’s own unless the address asks for one that there is', () => {
    expect(sortOf('items', {})).toBeUndefined();
    expect(sortOf('items', { sort: 'title' })).toBeUndefined();
    expect(sortOf('items', { sort: 'nextAttemptAt' })).toBeUndefined();
    expect(sortOf('retrying', { sort: '-nextAttemptAt' })).toBe('-nextAttemptAt');
    expect(sortOf('events', { sort: 'updatedAt' })).toBe('updatedAt');
    const shown = LISTS.map((tab) => [tab, defaultSort(tab, itemFilter(tab, {}))]);
    expect(Object.fromEntries(shown)).toEqual({
      items: '-updatedAt',
      dismissed: '-updatedAt',
      queued: 'nextAttemptAt',
      retrying: 'nextAttemptAt',
      sending: 'nextAttemptAt',
      held: 'nextAttemptAt',
      events: '-createdAt',
    });
    expect(defaultSort('events', { status: 'synced' })).toBe('-updatedAt');
    expect(defaultSort('events', { status: 'failed,synced' })).toBe('-createdAt');
  });

  it('turns round at each click', () => {
    expect(nextSort('updatedAt', 'nextAttemptAt')).toBe('-updatedAt');
    expect(nextSort('updatedAt', '-updatedAt')).toBe('updatedAt');
    expect(nextSort('nextAttemptAt', '-createdAt')).toBe('nextAttemptAt');
    expect(ariaSort('updatedAt', '-updatedAt')).toBe('descending');
    expect(ariaSort('updatedAt', 'nextAttemptAt')).toBe('none');
    expect(canSort('items', 'nextAttemptAt')).toBe(false);
  });
});

describe('a time in a field', () => {
  it('comes back as it was, to the minute', () => {
    const at = '2026-02-27T14:30:00.000Z';
    expect(fromLocalField(toLocalField(at))).toBe(at);
    expect(toLocalField(undefined)).toBe('');
    expect(toLocalField('yesterday')).toBe('');
    expect(fromLocalField('')).toBeUndefined();
  });
});

describe('an empty list', () => {
  it('says which of four kinds of empty it is', () => {
    expect(emptiness('items', { q: 'x' }, true)).toBe('nothingMatches');
    expect(emptiness('items', {}, false)).toBe('nothingYet');
    expect(emptiness('items', {}, true)).toBe('healthy');
    expect(emptiness('held', {}, true)).toBe('healthy');
    expect(emptiness('dismissed', {}, true)).toBe('nothing');
  });
});
