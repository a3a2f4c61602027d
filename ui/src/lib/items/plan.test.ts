import { describe, expect, it } from 'vitest';
import type { Preflight, PreflightOrg } from '../backend/backend';
import { costOf, dismissable, dismissalSentences, planSentences, summarize } from './plan';

const org = (more: Partial<PreflightOrg>): PreflightOrg => ({
  orgId: '00D1',
  send: 0,
  superseded: 0,
  heldBy: null,
  apiCalls: more.send ?? 0,
  apiUsage: null,
  ...more,
});

const told = (more: Partial<Preflight>): Preflight => ({
  asOf: '2026-01-01T00:00:00.000Z',
  selected: 0,
  send: 0,
  superseded: 0,
  notFailed: 0,
  notFound: 0,
  orgs: [],
  ...more,
});

describe('what a retry would do', () => {
  it('tells what is sent from what would wait, and counts only the calls of the first', () => {
    const plan = summarize(
      told({
        selected: 60,
        send: 55,
        superseded: 5,
        orgs: [
          org({ send: 42 }),
          org({ send: 3, heldBy: 'signInRequired' }),
          org({ send: 9, heldBy: 'rateLimited' }),
          org({ send: 1, heldBy: 'signInRequired' }),
          org({ superseded: 5, heldBy: 'orgPaused' }),
        ],
      }),
    );
    expect(plan).toEqual({
      now: 42,
      calls: 42,
      waiting: [
        { heldBy: 'rateLimited', n: 9 },
        { heldBy: 'signInRequired', n: 4 },
      ],
      superseded: 5,
      notFailed: 0,
      notFound: 0,
    });
    expect(planSentences(plan)).toEqual([
      '42 items will be sent, costing 42 API calls',
      '9 items will wait: The target org’s API limit is used up. Sending goes on by itself.',
      '4 items will wait: The sign-in to the target org no longer works.',
      '5 items are superseded by a newer change and not sent',
    ]);
  });

  it('speaks of one item as of one', () => {
    const plan = summarize(
      told({ send: 1, superseded: 1, notFailed: 1, notFound: 1, orgs: [org({ send: 1 })] }),
    );
    expect(planSentences(plan)).toEqual([
      '1 item will be sent, costing 1 API call',
      '1 item is superseded by a newer change and not sent',
      '1 item is not failed and left alone',
      '1 item is gone',
    ]);
  });

  it('says plainly when nothing would be sent', () => {
    expect(planSentences(summarize(told({ superseded: 2 })))).toEqual([
      'Nothing would be sent.',
      '2 items are superseded by a newer change and not sent',
    ]);
  });
});

describe('what a dismissal would do', () => {
  it('takes what is superseded too, and needs no org', () => {
    const given = told({ send: 3, superseded: 2, notFailed: 4 });
    expect(dismissable(given)).toBe(5);
    expect(dismissalSentences(given)).toEqual([
      '5 items will be dismissed',
      '4 items are not failed and left alone',
    ]);
  });
});

describe('what it costs an org', () => {
  it('is set against what is left, as last known', () => {
    expect(costOf(org({ send: 1200, apiUsage: { used: 4210, max: 15_000 } }))).toEqual({
      text: '1,200 of 10,790 left',
      tooMany: false,
    });
    expect(costOf(org({ send: 12, apiUsage: { used: 14_990, max: 15_000 } })).tooMany).toBe(true);
    expect(costOf(org({ send: 1, apiUsage: { used: 16_000, max: 15_000 } })).text).toBe(
      '1 of 0 left',
    );
    expect(costOf(org({ send: 3 }))).toEqual({ text: '3; usage not known', tooMany: false });
  });
});
