import { describe, expect, it } from 'vitest';
import { bulkSentence } from '../items/actions.svelte';
import { m } from '../shared/messages';
import { apiBackend, problemOf, queryOf } from './api';
import { reconnectDelay } from './http';

describe('the API client', () => {
  it('leaves out what is not asked for', () => {
    expect(queryOf({ status: 'failed', q: '', limit: 50, cursor: null })).toBe(
      'status=failed&limit=50',
    );
    expect(queryOf({ held: false, targetOrgId: '00D', sort: undefined, cursor: 'a/b' })).toBe(
      'held=false&targetOrgId=00D&cursor=a%2Fb',
    );
  });

  it('turns a problem document into an error, and copes with other bodies', () => {
    const body = '{"title":"Bad","detail":"limit is 1 to 500","code":"INVALID_FIELD","status":400}';
    expect(problemOf({ status: 400, body })).toMatchObject({
      status: 400,
      code: 'INVALID_FIELD',
      message: 'limit is 1 to 500',
    });
    expect(problemOf({ status: 502, body: '<html>' }).message).toBe('HTTP 502');
    expect(problemOf({ status: 500, body: 'null' }).message).toBe('HTTP 500');
  });

  it('sends ids escaped and bodies as JSON', async () => {
    const calls: unknown[] = [];
    const backend = apiBackend(
      (...call) => {
        calls.push(call);
        return Promise.resolve({ status: 200, body: '{"changed":1,"refused":[]}' });
      },
      () => () => undefined,
      () => Promise.resolve(),
    );
    await backend.dismiss({ ids: ['a/b'] }, 'test');
    await backend.item('a/b');
    expect(calls).toEqual([
      ['POST', '/api/v1/items/dismiss', '{"ids":["a/b"],"reason":"test"}'],
      ['GET', '/api/v1/items/a%2Fb', null],
    ]);
  });

  it('waits longer between reconnects, up to a limit', () => {
    expect([1, 2, 3, 20].map((failures) => reconnectDelay(failures))).toEqual([
      500, 1000, 2000, 10_000,
    ]);
  });
});

describe('the sentence about a bulk action', () => {
  const refused = (id: string, message: string) => ({ id, reason: 'notFailed', message });
  const runId = 'run-1';

  it('says what was done and what was refused', () => {
    expect(bulkSentence({ changed: 3, refused: [], runId }, m.bulk.retried)).toBe('3 queued again');
    expect(
      bulkSentence({ changed: 3, refused: [refused('a', 'synced')], runId }, m.bulk.retried),
    ).toBe('3 queued again, 1 refused: synced');
    expect(
      bulkSentence(
        { changed: 0, refused: [refused('a', 'x'), refused('b', 'x')], runId },
        m.bulk.retried,
      ),
    ).toBe('2 refused: x');
  });
});
