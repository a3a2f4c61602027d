import { describe, expect, it } from 'vitest';
import { Problem } from '../backend/backend';
import { lastsMs, Notices, reasonOf } from './notices.svelte';

describe('the messages', () => {
  it('give way to newer ones, and go when they are closed', () => {
    const notices = new Notices();
    for (const text of ['a', 'b', 'c', 'd']) notices.say('done', text);
    expect(notices.all.map((one) => one.text)).toEqual(['b', 'c', 'd']);
    notices.close(notices.all[1]?.id ?? 0);
    expect(notices.all.map((one) => one.text)).toEqual(['b', 'd']);
  });

  it('stay until they are read where something went wrong, and for 10 seconds where they can be undone', () => {
    const action = { label: 'Undo', run: () => undefined };
    expect(lastsMs({ kind: 'error', action: null })).toBeNull();
    expect(lastsMs({ kind: 'refused', action })).toBeNull();
    expect(lastsMs({ kind: 'done', action: null })).toBe(8000);
    expect(lastsMs({ kind: 'done', action })).toBe(10_000);
  });

  it('tell no answer from an answer that says no', () => {
    expect(reasonOf(new Problem(0, 'UNREACHABLE', '', ''))).toBe('no connection to the program');
    expect(reasonOf(new Problem(409, 'REFUSED', 'Conflict', 'It is there.'))).toBe('It is there.');
  });
});
