import { describe, expect, it } from 'vitest';
import type { Backend, Org } from '../backend/backend';
import type { OwnItem } from '../backend/package';
import { AT, org } from '../testing/mounted';
import { OwnQueues, ownTotal } from './own.svelte';

const LATER = '2026-03-01T10:20:00.000Z';
const adapter = { namespace: 'delivery' } as Org['adapter'];
const read = (orgId: string, count: number, more = false) =>
  org({ orgId, adapter, ownQueue: { count, more, readAt: AT } });

function setUp() {
  const program = { now: 0, readAt: AT, calls: 0, broken: false };
  const ownItems = async () => {
    program.calls += 1;
    if (program.broken) throw new Error('no such org');
    return { syncItems: [{ id: 'a' } as OwnItem], readAt: program.readAt };
  };
  const backend = { package: { ownItems } } as unknown as Backend;
  return { program, queues: new OwnQueues(backend, () => program.now) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('ownTotal', () => {
  it('counts what was read, and nothing where nothing was', () => {
    expect(ownTotal([org(), org({ adapter })])).toBeNull();
    expect(ownTotal([read('1', 2), org({ orgId: '2', adapter }), read('3', 3)])).toEqual({
      count: 5,
      more: false,
    });
    expect(ownTotal([read('1', 200, true), read('2', 0)])).toEqual({ count: 200, more: true });
  });

  it('leaves out an org that has the package no longer', () => {
    expect(ownTotal([{ ...read('1', 2), adapter: null }])).toBeNull();
  });
});

describe('OwnQueues', () => {
  it('asks no org again that was asked just now, unless it is told to', async () => {
    const { program, queues } = setUp();
    queues.open(['x']);
    await settled();
    expect(queues.of('x')?.items).toHaveLength(1);
    program.now = 59_000;
    queues.open(['x']);
    expect(program.calls).toBe(1);
    await queues.load('x');
    expect(program.calls).toBe(2);
    program.now += 60_000;
    queues.open(['x']);
    expect(program.calls).toBe(3);
  });

  it('follows the program where that has read a queue later than what is shown', async () => {
    const { program, queues } = setUp();
    await queues.load('x');
    const org = read('x', 1);
    queues.follow([org]);
    expect(program.calls).toBe(1);
    program.readAt = LATER;
    queues.follow([{ ...org, ownQueue: { count: 2, more: false, readAt: LATER } }]);
    await settled();
    expect([program.calls, queues.of('x')?.readAt]).toEqual([2, LATER]);
  });

  it('keeps why a queue could not be read, and does not ask on by itself', async () => {
    const { program, queues } = setUp();
    program.broken = true;
    await queues.load('x');
    queues.follow([read('x', 1)]);
    queues.open(['x']);
    await settled();
    expect([program.calls, queues.of('x')?.trouble]).toEqual([1, 'no such org']);
  });
});
