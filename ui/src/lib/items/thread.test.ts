import { describe, expect, it } from 'vitest';
import type { Item } from '../backend/backend';
import { cellOf, holdingOf, orgsOf, versionsOf } from './thread';

const A = '00D00000000000AEAA';
const B = '00D00000000000BEAA';
const C = '00D00000000000CEAA';

const item = (transactionId: string, source: string, target: string, more: Partial<Item> = {}) =>
  ({
    id: `${transactionId} ${target}`,
    transactionId,
    sourceOrgId: source,
    targetOrgId: target,
    operation: 'upsert',
    title: 'Add report',
    status: 'synced',
    dismissedAt: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:05.000Z',
    ...more,
  }) as Item;

const LATER = { createdAt: '2026-01-01T01:00:00.000Z', updatedAt: '2026-01-01T01:00:05.000Z' };

describe('the thread of a work item', () => {
  it('has one version for each transaction, the newest first', () => {
    const versions = versionsOf([item('t1', A, B), item('t2', B, A, LATER), item('t1', A, C)]);
    expect(versions.map((one) => [one.transactionId, one.items.length])).toEqual([
      ['t2', 1],
      ['t1', 2],
    ]);
    const names: Record<string, string> = { [A]: 'Zeta', [B]: 'Beta', [C]: 'Acme' };
    expect(orgsOf(versions, (orgId) => names[orgId] ?? '')).toEqual([C, B, A]);
  });

  it('knows what each org has to do with a version, however long its ID is written', () => {
    const [version] = versionsOf([item('t1', A, B)]);
    if (version === undefined) throw new Error('no version');
    expect(cellOf(version, A.slice(0, 15))).toBe('source');
    expect(cellOf(version, B)).toMatchObject({ targetOrgId: B });
    expect(cellOf(version, C)).toBeNull();
  });

  it('takes an org to hold the newest version that it made or got', () => {
    const versions = versionsOf([item('t1', A, B), item('t2', B, A, LATER)]);
    expect(holdingOf(versions, B)).toMatchObject({
      how: 'sent',
      since: LATER.createdAt,
      standing: 'current',
    });
    expect(holdingOf(versions, A)).toMatchObject({
      how: 'delivered',
      since: LATER.updatedAt,
      standing: 'current',
    });
  });

  it.each([
    [{ status: 'failed' }, 'failed'],
    [{ status: 'failed', dismissedAt: 'x' }, 'dismissed'],
    [{ status: 'queued' }, 'waiting'],
    [{ status: 'retrying' }, 'waiting'],
    [{ status: 'superseded' }, 'newer'],
  ] as const)('says why an org is behind: %o', (more, standing) => {
    const versions = versionsOf([item('t1', A, B), item('t2', A, B, { ...LATER, ...more })]);
    const holding = holdingOf(versions, B);
    expect(holding).toMatchObject({ how: 'delivered', standing });
    expect(holding.version?.transactionId).toBe('t1');
    expect(holding.item?.transactionId).toBe('t2');
  });

  it('says so where an org got nothing of the newest version, and where nothing is known', () => {
    const versions = versionsOf([item('t1', A, B), item('t2', A, C, LATER)]);
    expect(holdingOf(versions, B)).toMatchObject({
      how: 'delivered',
      standing: 'notSent',
      item: null,
    });
    const failed = versionsOf([item('t1', A, B, { status: 'failed' })]);
    expect(holdingOf(failed, B)).toMatchObject({ version: null, how: null, standing: 'failed' });
  });
});
