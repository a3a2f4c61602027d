import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend, FailureGroup, ItemPage, Route } from '../backend/backend';
import { levelOf } from './trouble';
import { RouteTroubles } from './trouble.svelte';

const group = (failureKey: string, fixer: FailureGroup['cause']['fixer'], targetOrgId = 'b') =>
  ({ failureKey, targetOrgId, count: 1, cause: { fixer } }) as FailureGroup;
const lock = group('lock', 'wait');
const rule = group('rule', 'targetAdmin');
const enabled = { enabled: true };
const connected = { health: 'connected' } as const;

describe('how a route is', () => {
  it.each([
    ['fine', enabled, connected, undefined],
    ['fine', enabled, null, { failed: 0, worst: null }],
    ['passes', enabled, connected, { failed: 1, worst: lock }],
    ['passes', enabled, { health: 'rateLimited' }, undefined],
    ['person', enabled, connected, { failed: 1, worst: rule }],
    ['person', enabled, { health: 'signInRequired' }, undefined],
    ['paused', { enabled: false }, connected, undefined],
    ['paused', enabled, { health: 'paused' }, undefined],
    ['person', { enabled: false }, connected, { failed: 1, worst: rule }],
  ] as const)('is %s', (level, route, target, trouble) => {
    expect(levelOf(route, target, trouble)).toBe(level);
  });
});

describe('the troubles of routes', () => {
  const items = vi.fn<Backend['items']>();
  const failures = vi.fn<Backend['failures']>();
  const route = (id: string, sourceOrgId: string, targetOrgId: string) =>
    ({ id, sourceOrgId, targetOrgId }) as Route;
  const page = (total: number, keys: string[]) =>
    ({ total, items: keys.map((failureKey) => ({ failureKey })) }) as unknown as ItemPage;
  let troubles: RouteTroubles;

  beforeEach(() => {
    vi.resetAllMocks();
    troubles = new RouteTroubles({ items, failures } as unknown as Backend, vi.fn());
  });

  it('ask only for routes to orgs where something failed', async () => {
    failures.mockResolvedValue([lock, rule]);
    items.mockImplementation(async ({ sourceOrgId }) =>
      sourceOrgId === 'a' ? page(7, ['lock', 'rule']) : page(2, ['lock']),
    );
    await troubles.show([route('1', 'a', 'b'), route('2', 'c', 'b'), route('3', 'b', 'a')]);
    expect(items).toHaveBeenCalledTimes(2);
    expect(troubles.of('1')).toEqual({ failed: 7, worst: rule });
    expect(troubles.of('2')).toEqual({ failed: 2, worst: lock });
    expect(troubles.of('3')).toEqual({ failed: 0, worst: null });
  });

  it('stay as they were while the program cannot be asked', async () => {
    failures.mockResolvedValueOnce([lock]);
    items.mockResolvedValue(page(1, ['lock']));
    await troubles.show([route('1', 'a', 'b')]);
    failures.mockRejectedValueOnce(new Error('no'));
    await troubles.show([route('1', 'a', 'b')]);
    expect(troubles.of('1').failed).toBe(1);
  });
});
