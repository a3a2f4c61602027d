import { describe, expect, it } from 'vitest';
import type { Backend, BulkResult, Item, Org, Selection, Status } from '../backend/backend';
import { Problem } from '../backend/backend';
import { Monitor } from '../monitor.svelte';
import { Notices } from '../shell/notices.svelte';
import { asOf, failedOf, ItemActions, undoOf } from './actions.svelte';

const NOW = '2026-01-01T00:00:00.000Z';
const refused = (id: string) => ({ id, reason: 'notFailed', message: 'it is synced' });

function setUp(answer: Partial<BulkResult> = {}) {
  const asked: [string, ...unknown[]][] = [];
  const result = { changed: 2, refused: [], runId: 'run-1', ...answer };
  const program = { broken: false };
  const act =
    (name: string) =>
    async (...given: unknown[]) => {
      asked.push([name, ...given]);
      if (program.broken) throw new Problem(409, 'CONFLICT', '', 'The store is locked.');
      return result;
    };
  const backend = {
    retry: act('retry'),
    dismiss: act('dismiss'),
    restore: act('restore'),
    sendNow: act('sendNow'),
    preflight: act('preflight'),
    status: async () => ({ serverTime: NOW }) as Status,
    orgs: async () => [],
    routes: async () => [],
    items: async (filter: { targetOrgId?: string }) => ({
      items: [],
      nextCursor: null,
      total: filter.targetOrgId === 'a' ? 2 : filter.targetOrgId === 'b' ? 5 : 0,
    }),
  } as Partial<Record<keyof Backend, unknown>> as Backend;
  const monitor = new Monitor(backend);
  monitor.orgs = ['a', 'b', 'c'].map((orgId) => ({ orgId, apiUsage: null }) as Org);
  const notices = new Notices();
  const acted: Selection[] = [];
  const rows = new Map<string, Partial<Item>>([
    ['1', { title: 'One', targetOrgId: 'a' }],
    ['2', { title: 'Two', targetOrgId: 'a' }],
    ['3', { title: 'Three', targetOrgId: 'b' }],
  ]);
  const shown = {
    get: (id: string) => rows.get(id) as Item | undefined,
    acted: (selection: Selection) => void acted.push(selection),
  };
  const actions = new ItemActions(monitor, notices, shown);
  return { actions, asked, acted, notices, program, last: () => notices.all.at(-1) };
}

describe('ItemActions', () => {
  it('retries one at once, without a question and without a link to a run', async () => {
    const { actions, asked, last } = setUp({ changed: 1 });
    await actions.retry({ ids: ['1'] });
    expect(actions.asking).toBeNull();
    expect(asked).toEqual([['retry', { ids: ['1'] }]]);
    expect(last()).toMatchObject({ text: '1 queued again', link: null, action: null });
  });

  it('asks before it retries more than one, or so many as only the program knows', async () => {
    const { actions, asked } = setUp();
    await actions.retry({ ids: ['1', '2'] });
    expect(actions.asking).toMatchObject({ action: 'retry', count: 2 });
    await actions.retry({ filter: { status: 'failed' } });
    expect(actions.asking?.count).toBeNull();
    expect(asked).toEqual([]);
  });

  it('goes on as of the moment that the list stood, or else that was looked at', async () => {
    const { actions, asked, acted } = setUp();
    const filter = { status: 'failed', dismissed: false, asOf: '2025-12-31T00:00:00.000Z' };
    const plan = { asOf: NOW } as Awaited<ReturnType<ItemActions['plan']>>;
    await actions.retry({ filter });
    await actions.confirm(actions.asking!, plan, '');
    expect(asked.at(-1)).toEqual(['retry', { filter }]);
    expect(actions.asking).toBeNull();
    expect(acted).toEqual([{ filter }]);
    expect(asOf({ filter: { status: 'failed' } }, NOW)).toEqual({
      filter: { status: 'failed', asOf: NOW },
    });
    expect(asOf({ ids: ['1'] }, NOW)).toEqual({ ids: ['1'] });
  });

  it('means by everything only what failed, and says so before it knows how many', async () => {
    const { actions } = setUp();
    const filter = { q: 'x', asOf: NOW };
    await actions.retry({ filter }, 153);
    expect(actions.asking).toEqual({
      action: 'retry',
      selection: { filter: { ...filter, status: 'failed', dismissed: false } },
      count: null,
    });
    const failed = { filter: { status: 'failed', failureKey: 'k' } };
    actions.dismiss(failed, 7);
    expect(actions.asking).toMatchObject({ count: 7, selection: failed });
    expect(failedOf({ filter: { status: 'synced' } })).toEqual({ filter: { status: 'synced' } });
    expect(failedOf({ filter: { status: 'failed', dismissed: true } })).toEqual({
      filter: { status: 'failed', dismissed: true },
    });
    expect(failedOf({ ids: ['1'] })).toEqual({ ids: ['1'] });
  });

  it('says what was refused by the titles that are on the screen, and leads to the run', async () => {
    const { actions, last } = setUp({ changed: 1, refused: [refused('2'), refused('x')] });
    await actions.retry({ ids: ['1', '2', 'x'] });
    await actions.confirm(actions.asking!, null, '');
    expect(last()).toMatchObject({
      kind: 'refused',
      text: '1 queued again, 2 refused: it is synced',
      link: { href: '#/runs/run-1' },
      refusals: [
        { id: '2', title: 'Two', reason: 'it is synced' },
        { id: 'x', title: 'x', reason: 'it is synced' },
      ],
    });
  });

  it('counts a double click once', async () => {
    const { actions, asked } = setUp({ changed: 1 });
    await Promise.all([actions.retry({ ids: ['1'] }), actions.retry({ ids: ['1'] })]);
    await actions.retry({ ids: ['2'] });
    expect(asked).toHaveLength(2);
  });

  it('takes back exactly what was dismissed', async () => {
    const { actions, asked, last } = setUp({ changed: 1, refused: [refused('2')] });
    actions.dismiss({ ids: ['1', '2'] });
    await actions.confirm(actions.asking!, null, 'Not needed');
    expect(asked.at(-1)).toEqual(['dismiss', { ids: ['1', '2'] }, 'Not needed']);
    last()?.action?.run();
    expect(asked.at(-1)).toEqual(['restore', { ids: ['1'] }]);
    const result = { changed: 9, refused: [], runId: 'run-1' };
    expect(undoOf({ filter: { status: 'failed', q: 'x' } }, result)).toEqual({
      filter: { runId: 'run-1', dismissed: true },
    });
  });

  it('offers nothing to take back where nothing was dismissed', async () => {
    const { actions, last } = setUp({ changed: 0, refused: [refused('1')] });
    actions.dismiss({ ids: ['1'] });
    await actions.confirm(actions.asking!, null, 'Not needed');
    expect(last()?.action).toBeNull();
  });

  it('says why something did not work', async () => {
    const { actions, acted, last, program } = setUp();
    program.broken = true;
    await actions.retry({ ids: ['1'] });
    expect(last()).toMatchObject({
      kind: 'error',
      text: 'That did not work: The store is locked.',
    });
    expect(acted).toEqual([]);
  });

  it('counts by org what is sent now: named items by their rows, a filter by the program', async () => {
    const { actions } = setUp();
    const plan = async (selection: Selection) => {
      const told = await actions.plan({ action: 'sendNow', selection, count: 3 });
      return told.orgs.map(({ orgId, send }) => `${orgId}:${send}`);
    };
    expect(await plan({ ids: ['1', '2', '3', 'unknown'] })).toEqual(['a:2', 'b:1']);
    expect(await plan({ filter: { status: 'retrying' } })).toEqual(['b:5', 'a:2']);
    expect(await plan({ filter: { status: 'retrying', targetOrgId: 'a' } })).toEqual(['a:2']);
  });
});
