import { expect, it, vi } from 'vitest';
import type { Backend } from '../backend/backend';
import { FailedOf } from './failedof.svelte';

it('counts what failed of the org that is asked for, and never takes another’s number for it', async () => {
  const items = vi.fn(() => Promise.resolve({ items: [], nextCursor: null, total: 3 }));
  const failed = new FailedOf({ items } as unknown as Backend, vi.fn());
  expect(failed.of('00D1')).toBeNull();
  await failed.load('00D1');
  expect(items).toHaveBeenCalledWith({ status: 'failed', targetOrgId: '00D1' }, 1, null);
  expect([failed.of('00D1'), failed.of('00D2')]).toEqual([3, null]);
});

it('keeps what it knows where it cannot be asked', async () => {
  const items = vi.fn(() => Promise.resolve({ items: [], nextCursor: null, total: 3 }));
  const onProblem = vi.fn();
  const failed = new FailedOf({ items } as unknown as Backend, onProblem);
  await failed.load('00D1');
  items.mockRejectedValueOnce(new Error('no'));
  await failed.load('00D1');
  expect(failed.of('00D1')).toBe(3);
  expect(onProblem).toHaveBeenCalledOnce();
});
