import { describe, expect, it } from 'vitest';
import type { Backend, FailureGroup, Status } from '../backend/backend';
import { causesOf, FailureList } from './failures.svelte';

const group = (failureKey: string, count: number, targetOrgId = '00D000000000001EAA') =>
  ({ failureKey, count, targetOrgId }) as FailureGroup;

async function opened(...first: FailureGroup[]) {
  const program = { groups: first, now: '2026-01-01T00:00:00.000Z', broken: false };
  const backend = {
    status: async () => ({ serverTime: program.now }) as Status,
    failures: async () => {
      if (program.broken) throw new Error('no');
      return program.groups;
    },
  } as Partial<Backend> as Backend;
  const problems: unknown[] = [];
  const list = new FailureList(backend, (error) => problems.push(error));
  await list.refresh();
  return { list, program, problems };
}

const shown = (list: FailureList) => list.groups.map((one) => `${one.failureKey}:${one.count}`);

describe('FailureList', () => {
  it('counts on in place while somebody is about to click, and catches up afterwards', async () => {
    const { list, program } = await opened(group('a', 1), group('b', 2));
    list.hold(true);
    program.groups = [group('new', 1), group('b', 3), group('a', 1)];
    await list.refresh();
    expect(shown(list)).toEqual(['a:1', 'b:3']);
    list.hold(false);
    await list.refresh();
    expect(shown(list)).toEqual(['new:1', 'b:3', 'a:1']);
  });

  it('shows at once what somebody’s own action came to', async () => {
    const { list, program } = await opened(group('a', 1), group('b', 2));
    list.hold(true);
    program.groups = [group('b', 2)];
    await list.applyNow();
    expect(shown(list)).toEqual(['b:2']);
  });

  it('means by a cause what it counted, and nothing that failed later', async () => {
    const { list } = await opened(group('a', 1));
    expect(list.itemsOf(group('a', 1))).toEqual({
      filter: { status: 'failed', failureKey: 'a', asOf: '2026-01-01T00:00:00.000Z' },
    });
  });

  it('keeps what it has when a reading fails', async () => {
    const { list, program, problems } = await opened(group('a', 1));
    program.broken = true;
    await list.refresh();
    expect([list.phase, list.groups.length, problems.length]).toEqual(['ready', 1, 1]);
  });
});

describe('causesOf', () => {
  it('takes those of one org, by however many characters of its ID', () => {
    const groups = [group('a', 1), group('b', 1, '00D000000000002EAA')];
    expect(causesOf(groups, undefined)).toHaveLength(2);
    expect(causesOf(groups, '00D000000000002').map((one) => one.failureKey)).toEqual(['b']);
  });
});
