import { describe, expect, it } from 'vitest';
import { m } from '../shared/messages';
import { actionGroups, activityFilter, fromField, toField } from './filter';

describe('the filter of the log', () => {
  it('takes from the address what is meant for the log', () => {
    expect(activityFilter({ action: 'item.', targetOrgId: '00D', q: 'x' })).toEqual({
      action: 'item.',
    });
  });

  it('offers every action that has words, under a group that has words', () => {
    const groups = actionGroups();
    expect(groups.flatMap((group) => group.actions).sort()).toEqual(
      Object.keys(m.log.actions).sort(),
    );
    for (const { prefix, word } of groups) expect(word).not.toBe(prefix);
  });

  it('gives a moment to a field and takes it back, to the minute', () => {
    const at = '2026-02-27T14:30:00.000Z';
    expect(fromField(toField(at))).toBe(at);
    expect(toField('2026-02-27T14:30:59.999Z')).toBe(toField(at));
    expect(toField(undefined)).toBe('');
    expect(toField('x')).toBe('');
    expect(fromField('')).toBeUndefined();
    expect(fromField('soon')).toBeUndefined();
  });
});
