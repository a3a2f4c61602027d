import { describe, expect, it } from 'vitest';
import type { Attempt, ItemDetail } from '../backend/backend';
import { ladder, pastCycles } from './ladder';

const SCHEDULE = ['0s', '30s', '2m', '10m', '1h'];
const NEXT = '2026-01-01T00:00:30.000Z';

const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  cycle: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 10,
  outcome: 'retrying',
  httpStatus: 500,
  errorCode: null,
  message: null,
  responseBody: null,
  counted: true,
  ...more,
});

const item = (more: Partial<ItemDetail>) =>
  ({
    status: 'retrying',
    heldBy: null,
    cycle: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    nextAttemptAt: NEXT,
    attemptLog: [],
    history: [],
    ...more,
  }) as ItemDetail;

const states = (given: ItemDetail) => ladder(given, SCHEDULE).map((rung) => rung.state);

describe('ladder', () => {
  it('shows what was, what is next and when the rest can be', () => {
    const rungs = ladder(item({ attemptLog: [attempt()] }), SCHEDULE);
    expect(rungs.map((rung) => rung.state)).toEqual([
      'done',
      'next',
      'planned',
      'planned',
      'planned',
    ]);
    expect(rungs.map((rung) => rung.at)).toEqual([
      '2026-01-01T00:00:00.000Z',
      NEXT,
      '2026-01-01T00:02:30.000Z',
      '2026-01-01T00:12:30.000Z',
      '2026-01-01T01:12:30.000Z',
    ]);
  });

  it('leaves uncounted tries and former cycles out', () => {
    const attemptLog = [
      attempt({ outcome: 'failed' }),
      attempt({ cycle: 2, counted: false, outcome: 'rateLimited' }),
      attempt({ cycle: 2 }),
    ];
    expect(states(item({ cycle: 2, attemptLog })).filter((state) => state === 'done')).toHaveLength(
      1,
    );
  });

  it('plans nothing more once the item is over', () => {
    for (const status of ['synced', 'superseded', 'failed'] as const) {
      const given = item({
        status,
        nextAttemptAt: null,
        attemptLog: [attempt({ outcome: status })],
      });
      expect(states(given)).toEqual(['done', 'skipped', 'skipped', 'skipped', 'skipped']);
    }
  });

  it('promises no time while the item is held or being sent', () => {
    const held = ladder(item({ heldBy: 'orgPaused', attemptLog: [attempt()] }), SCHEDULE);
    expect(held[1]).toMatchObject({ state: 'waiting', at: null });
    expect(held[2]).toMatchObject({ state: 'planned', at: null });
    const sending = ladder(item({ status: 'processing', attemptLog: [attempt()] }), SCHEDULE);
    expect(sending[1]).toMatchObject({ state: 'sending', at: null });
    expect(sending[2]?.at).toBeNull();
  });

  it('says when each attempt had been planned, and how many tries did not count', () => {
    const attemptLog = [
      attempt({ startedAt: '2026-01-01T00:00:01.000Z', durationMs: 500 }),
      attempt({ number: 2, counted: false, outcome: 'rateLimited' }),
      attempt({ number: 2, startedAt: '2026-01-01T00:05:00.000Z' }),
    ];
    const rungs = ladder(item({ attemptLog }), SCHEDULE);
    expect(rungs.slice(0, 3).map((rung) => [rung.plannedAt, rung.uncounted])).toEqual([
      ['2026-01-01T00:00:00.000Z', 0],
      ['2026-01-01T00:00:31.500Z', 1],
      [null, 0],
    ]);
  });

  it('plans a cycle from the manual retry that began it', () => {
    const at = '2026-01-02T00:00:00.000Z';
    const history = [
      { at, actor: 'user:ana', via: null, action: 'retry', reason: null, runId: null },
    ] as const;
    const attemptLog = [attempt({ cycle: 2, startedAt: at })];
    const given = item({ cycle: 2, attemptLog, history: [...history] });
    expect(ladder(given, SCHEDULE)[0]?.plannedAt).toBe(at);
    expect(ladder(item({ cycle: 2, attemptLog }), SCHEDULE)[0]?.plannedAt).toBeNull();
  });
});

describe('the cycles that manual retries ended', () => {
  const entry = (at: string, action: 'retry' | 'dismiss' = 'retry') => ({
    at,
    actor: 'user:ana',
    via: null,
    action,
    reason: null,
    runId: null,
  });

  it('are told newest first, with the retry that ended each', () => {
    const given = item({
      cycle: 3,
      attemptLog: [
        attempt({ outcome: 'failed' }),
        attempt({ cycle: 2, counted: false, outcome: 'rateLimited' }),
        attempt({ cycle: 2, outcome: 'failed' }),
      ],
      history: [entry('t1'), entry('t2', 'dismiss'), entry('t3')],
    });
    expect(
      pastCycles(given).map((one) => [
        one.cycle,
        one.attempts.length,
        one.uncounted,
        one.retry?.at,
      ]),
    ).toEqual([
      [2, 1, 1, 't3'],
      [1, 1, 0, 't1'],
    ]);
  });

  it('are none before the first manual retry', () => {
    expect(pastCycles(item({}))).toEqual([]);
  });
});
