import { describe, expect, it } from 'vitest';
import { actionWord, actorWord, itemOf, remarks, withOrgNames, workItemOf } from './words';

const nameOf = (orgId: string) => (orgId === '00D5g000004Xy9AEAS' ? 'Acme' : orgId);
const entry = { action: 'item.retry', subject: null, reason: null, detail: null, count: null };

describe('the log in words', () => {
  it('names connected orgs and leaves other IDs alone', () => {
    expect(withOrgNames('00D5g000004Xy9AEAS → 00D7Q000008Kw2bUAC', nameOf)).toBe(
      'Acme → 00D7Q000008Kw2bUAC',
    );
  });

  it('has words for what was done and by whom, and shows what it does not know', () => {
    expect(actionWord('echo.suppress')).toBe('Echo suppressed');
    expect(actionWord('moon.rise')).toBe('moon.rise');
    expect(['relay', 'demo', 'user:ana', 'cli', null].map(actorWord)).toEqual([
      'Sync Monitor',
      'Demo',
      'ana',
      'cli',
      '',
    ]);
  });

  it('leads to the item only where one is meant', () => {
    expect(itemOf({ action: 'item.retry', subject: 'a' })).toBe('a');
    expect(itemOf({ action: 'item.retry', subject: null })).toBeNull();
    expect(itemOf({ action: 'route.add', subject: 'a' })).toBeNull();
  });

  it('leads to the work item that was linked, written over or deleted', () => {
    const subject = '00D5g000004Xy9AEAS:a01000000000001AAA';
    for (const action of ['identity.link', 'identity.unlink', 'edit.overwrite', 'pull.deleted']) {
      expect(workItemOf({ action, subject })).toBe(subject);
    }
    expect(workItemOf({ action: 'pull.stop', subject })).toBeNull();
  });

  it('puts reason, detail and number in one line', () => {
    expect(remarks({ ...entry, count: 12 }, nameOf)).toBe('12 items');
    expect(remarks({ ...entry, subject: 'a', count: 1 }, nameOf)).toBe('');
    expect(
      remarks(
        {
          ...entry,
          action: 'echo.suppress',
          reason: '00D5g000004Xy9AEAS',
          detail: 'WI-1',
          count: 1,
        },
        nameOf,
      ),
    ).toBe('Acme · WI-1 · 1 record');
    expect(
      remarks({ ...entry, action: 'token.create', detail: '["00D5g000004Xy9AEAS","b"]' }, nameOf),
    ).toBe('Acme, b');
    expect(remarks({ ...entry, action: 'org.health', reason: 'signInRequired' }, nameOf)).toBe(
      'Sign-in required',
    );
  });
});
