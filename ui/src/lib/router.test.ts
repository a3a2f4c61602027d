import { beforeEach, describe, expect, it } from 'vitest';
import {
  href,
  itemHref,
  parsePlace,
  placeHref,
  Router,
  runHref,
  threadHref,
} from './router.svelte';

describe('parsePlace', () => {
  it('reads screens and tabs', () => {
    expect(parsePlace('', null)).toMatchObject({ screen: 'overview', tab: null, itemId: null });
    expect(parsePlace('#/failed', null).tab).toBe('causes');
    expect(parsePlace(href('queue', 'held'), null)).toMatchObject({ screen: 'queue', tab: 'held' });
    expect(parsePlace('#/queue/nonsense', null).tab).toBe('queued');
    expect(parsePlace('#/nonsense', null).screen).toBe('overview');
    expect(parsePlace('#/settings/retry', null)).toMatchObject({
      screen: 'settings',
      tab: 'retry',
    });
    expect(parsePlace('#/welcome', null).screen).toBe('welcome');
  });

  it('reads and writes the filter, and drops what it does not know', () => {
    const filter = { status: 'synced', since: '2026-01-01T00:00:00.000Z', q: 'a&b=c?' };
    const address = href('activity', 'events', filter);
    expect(parsePlace(address, null)).toMatchObject({ tab: 'events', filter });
    expect(placeHref(parsePlace(address, null))).toBe(address);
    expect(parsePlace('#/failed/items?colour=red&q=', null).filter).toEqual({});
  });

  it('draws an item over the screen that was open, with its filter', () => {
    const before = parsePlace('#/queue/held?q=a', null);
    expect(parsePlace(itemHref('a/ü'), before)).toEqual({ ...before, itemId: 'a/ü' });
    expect(parsePlace(itemHref('a', true), before)).toMatchObject({ full: true, tab: 'held' });
    expect(parsePlace('#/item/x', null)).toMatchObject({
      screen: 'failed',
      tab: 'items',
      itemId: 'x',
    });
    expect(parsePlace('#/item/%', null).itemId).toBe('%');
  });

  it('reads work items and runs by their ID', () => {
    expect(parsePlace(threadHref('WI/1?'), null)).toMatchObject({ screen: 'thread', id: 'WI/1?' });
    expect(parsePlace(runHref('r-1'), null)).toMatchObject({ screen: 'run', id: 'r-1' });
    expect(placeHref(parsePlace(threadHref('WI/1?'), null))).toBe(threadHref('WI/1?'));
    expect(parsePlace('#/runs', null)).toMatchObject({ screen: 'runs', id: null });
  });
});

describe('Router', () => {
  beforeEach(() => {
    history.replaceState(null, '', '#/overview');
    sessionStorage.clear();
  });

  function at(address: string, router: Router): void {
    history.replaceState(null, '', address);
    window.dispatchEvent(new Event('hashchange'));
    expect(router.place).toBeDefined();
  }

  it('takes the chosen org along from screen to screen, over a reload, and lets it go', () => {
    const router = new Router();
    const stop = router.start();
    router.chooseOrg('00D1');
    expect(location.hash).toBe('#/overview?targetOrgId=00D1');
    expect(router.to('failed', 'items')).toBe('#/failed/items?targetOrgId=00D1');
    at(router.to('settings'), router);
    expect([router.place.filter, router.shownOrg]).toEqual([{}, '00D1']);
    stop();
    const again = new Router();
    expect(again.to('queue', 'held')).toBe('#/queue/held?targetOrgId=00D1');
    again.chooseOrg(null);
    expect(again.to('queue')).toBe('#/queue');
    expect(new Router().org).toBeNull();
  });

  it('follows links to the letter, and still knows the chosen org', () => {
    const router = new Router();
    const stop = router.start();
    router.chooseOrg('00D1');
    at('#/failed/items?targetOrgId=00D2', router);
    expect([router.shownOrg, router.org]).toEqual(['00D2', '00D1']);
    at('#/activity/events?runId=r-1', router);
    expect(router.place.filter).toEqual({ runId: 'r-1' });
    expect(router.shownOrg).toBeNull();
    router.narrow({ targetOrgId: '00D3' });
    expect(router.org).toBe('00D3');
    stop();
  });

  it('changes a part of the filter and keeps the rest', () => {
    const router = new Router();
    const stop = router.start();
    at('#/failed/items?q=x&failureKey=k', router);
    router.narrow({ q: undefined, status: 'failed' });
    expect(router.place.filter).toEqual({ failureKey: 'k', status: 'failed' });
    stop();
  });

  it('knows after a reload what the item lies over', () => {
    const router = new Router();
    const stop = router.start();
    at('#/queue/held?q=x', router);
    at(itemHref('a'), router);
    stop();
    expect(new Router().place).toMatchObject({ tab: 'held', filter: { q: 'x' }, itemId: 'a' });
  });
});
