import { describe, expect, it } from 'vitest';
import type { FailureGroup, Org } from '../backend/backend';
import { needsOf } from './needs';

const org = (orgId: string, more: Partial<Org>) =>
  ({
    orgId,
    health: 'connected',
    apiUsage: { used: 10, max: 100 },
    clockSkewMs: 0,
    replacedBy: null,
    ...more,
  }) as Org;
const group = (failureKey: string, count: number, targetOrgId = '00D1') =>
  ({ failureKey, count, targetOrgId }) as FailureGroup;
const kinds = (orgs: Org[], groups: FailureGroup[] = [], only: string | null = null) =>
  needsOf(orgs, groups, only).map((need) => need.kind);

describe('what needs attention', () => {
  it('is nothing where all is well', () => {
    expect(kinds([org('00D1', {}), org('00D2', { apiUsage: null, clockSkewMs: null })])).toEqual(
      [],
    );
  });

  it('is a sign-in, a missing endpoint, a used-up limit, a refreshed sandbox', () => {
    expect(kinds([org('00D1', { health: 'signInRequired' })])).toEqual(['signIn']);
    expect(kinds([org('00D1', { health: 'endpointMissing' })])).toEqual(['endpoint']);
    expect(kinds([org('00D1', { health: 'rateLimited' })])).toEqual(['limit']);
    expect(kinds([org('00D1', { replacedBy: '00D9' })])).toEqual(['replaced']);
    expect(kinds([org('00D1', { health: 'orgUnreachable' })])).toEqual([]);
  });

  it('is an API budget from 80 % on, and a clock that is two minutes off', () => {
    expect(kinds([org('00D1', { apiUsage: { used: 79, max: 100 } })])).toEqual([]);
    expect(kinds([org('00D1', { apiUsage: { used: 80, max: 100 } })])).toEqual(['api']);
    expect(kinds([org('00D1', { clockSkewMs: 119_999 })])).toEqual([]);
    expect(kinds([org('00D1', { clockSkewMs: -120_000 })])).toEqual(['clock']);
    // A limit that is used up is said once.
    const full = { health: 'rateLimited', apiUsage: { used: 100, max: 100 } } as const;
    expect(kinds([org('00D1', full)])).toEqual(['limit']);
  });

  it('puts what stops everything first, and the most frequent cause before the others', () => {
    const needs = needsOf(
      [org('00D1', { clockSkewMs: 500_000 }), org('00D2', { health: 'signInRequired' })],
      [group('few', 2), group('many', 40)],
      null,
    );
    expect(
      needs.map((need) => (need.kind === 'cause' ? need.group.failureKey : need.kind)),
    ).toEqual(['signIn', 'many', 'few', 'clock']);
  });

  it('is of one org where one is chosen, whatever length its ID has', () => {
    const orgs = [
      org('00D000000000001AAA', { health: 'signInRequired' }),
      org('00D000000000002AAA', { health: 'signInRequired' }),
    ];
    const groups = [group('a', 1, '00D000000000001AAA'), group('b', 1, '00D000000000002AAA')];
    expect(kinds(orgs, groups, '00D000000000002')).toEqual(['signIn', 'cause']);
  });
});
