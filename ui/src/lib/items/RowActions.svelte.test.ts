import { describe, expect, it, vi } from 'vitest';
import { item, mounted, org, page, TARGET } from '../testing/mounted';
import HoldDialog from './HoldDialog.svelte';
import RowActions from './RowActions.svelte';

const offered = (more: Parameters<typeof item>[0]) =>
  mounted(RowActions, { item: item(more), tabindex: 0 })
    .all('button')
    .map((button) => button.dataset['part']);

describe('what can be done with a row', () => {
  it.each([
    ['failed', {}, ['retry', 'dismiss']],
    ['dismissed', { dismissedAt: '2026-03-01T10:00:00.000Z' }, ['restore']],
    ['retrying', { status: 'retrying' }, ['send', 'hold']],
    ['queued', { status: 'queued' }, ['hold']],
    ['held for an older change', { status: 'queued', heldBy: 'olderItem' }, ['hold']],
    ['held by its route', { status: 'queued', heldBy: 'routePaused' }, ['release']],
    ['held by its org', { status: 'retrying', heldBy: 'orgPaused' }, ['send', 'release']],
    ['in flight', { status: 'processing' }, []],
    ['synced', { status: 'synced' }, []],
  ] as const)('%s', (_, more, parts) => {
    expect(offered(more)).toEqual(parts);
  });

  it('is not done by the second half of a double click', () => {
    const sendNow = vi.fn();
    const app = page();
    app.actions.sendNow = sendNow;
    const { find } = mounted(RowActions, { item: item({ status: 'retrying' }), tabindex: 0 }, app);
    const click = (detail: number) =>
      find('[data-part="send"]').dispatchEvent(new MouseEvent('click', { detail, bubbles: true }));
    click(2);
    expect(sendNow).not.toHaveBeenCalled();
    click(1);
    expect(sendNow).toHaveBeenCalledOnce();
  });
});

describe('the question what to hold', () => {
  it('offers the route first, then the org, with what waits on each', async () => {
    const setRouteEnabled = vi.fn(() => Promise.resolve({} as never));
    const app = page({ setRouteEnabled });
    app.monitor.orgs = app.monitor.orgs.map((one) =>
      one.orgId === TARGET ? org({ queueDepth: 5 }) : one,
    );
    const waiting = item({ status: 'queued' });
    app.holds.asking = waiting;
    const { all, find } = mounted(HoldDialog, { item: waiting }, app);
    const words = all('[data-testid="hold-way"]').map((way) =>
      way.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(words).toEqual([
      'What goes from Northwind to Acme 2 items wait now',
      'Everything that goes to Acme 5 items wait now',
    ]);
    find('[data-testid="hold-confirm"]').click();
    await vi.waitFor(() => expect(app.holds.asking).toBeNull());
    expect(setRouteEnabled).toHaveBeenCalledWith('route-1', false);
    expect(app.notices.all.at(-1)?.text).toBe('What goes from Northwind to Acme is held');
    expect(app.notices.all.at(-1)?.action?.label).toBe('Undo');
  });

  it('leaves out what is held already', () => {
    const app = page();
    app.monitor.routes = app.monitor.routes.map((route) => ({ ...route, enabled: false }));
    const { all } = mounted(HoldDialog, { item: item({ status: 'queued' }) }, app);
    expect(all('[data-testid="hold-way"]')).toHaveLength(1);
  });

  it('stays where it could not be done', async () => {
    const app = page({ setRouteEnabled: () => Promise.reject(new Error('The disk is full.')) });
    const waiting = item({ status: 'queued' });
    app.holds.asking = waiting;
    const { find } = mounted(HoldDialog, { item: waiting }, app);
    find('[data-testid="hold-confirm"]').click();
    await vi.waitFor(() => expect(app.notices.all.at(-1)?.kind).toBe('error'));
    expect(app.holds.asking).toBe(waiting);
  });
});
