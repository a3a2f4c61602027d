import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../app.svelte';
import { RowSelection } from '../items/selection';
import { href, parsePlace } from '../router.svelte';
import { m } from '../shared/messages';
import { handleKey } from './keys';
import { keysOf, SHORTCUTS } from './shortcuts.svelte';

function setUp(address: string, desktop = false) {
  const go = vi.fn();
  const list = {
    total: 12,
    selection: new RowSelection(),
    activeId: 'a' as string | null,
    move: vi.fn(() => 'b'),
    select: vi.fn(),
    get: vi.fn<(id: string) => { status: string } | undefined>(),
    everything: () => ({ filter: { status: 'failed', asOf: 't' } }),
  };
  const actions = { retry: vi.fn(), sendNow: vi.fn(), dismiss: vi.fn() };
  const look = { zoom: 100, chooseZoom: vi.fn() };
  const place = parsePlace(address, parsePlace('#/failed/items', null));
  const app = {
    list,
    actions,
    look,
    router: { place, go, closeItem: vi.fn(), to: href },
    monitor: { backend: { desktop: desktop ? {} : null } },
    notices: { say: vi.fn() },
    shortcuts: { on: true },
    helpOpen: false,
    paletteOpen: false,
  };
  const press = (
    key: string,
    more: KeyboardEventInit = {},
    target: EventTarget = document.body,
  ) => {
    const event = new KeyboardEvent('keydown', { key, cancelable: true, bubbles: true, ...more });
    Object.defineProperty(event, 'target', { value: target });
    handleKey(app as unknown as App, event);
    return event;
  };
  return { app, actions, go, list, look, press };
}

describe('the keys', () => {
  beforeEach(() => document.body.replaceChildren());

  it('have words in the catalogue, each of them', () => {
    const names = Object.values(SHORTCUTS).flatMap(Object.keys);
    expect(Object.keys(m.help.keys).sort()).toEqual(names.sort());
    expect(keysOf('failed')).toBe('g f');
    expect(keysOf('nothing')).toBeUndefined();
  });

  it('go to screens with two letters, and forget the first one', () => {
    const { go, press } = setUp('#/overview');
    press('g');
    press('q');
    expect(go).toHaveBeenLastCalledWith('#/queue');
    press('q');
    expect(go).toHaveBeenCalledOnce();
  });

  it('rest while somebody writes, while a dialog is open, and when they are off', () => {
    const { actions, app, press } = setUp('#/failed/items');
    const input = document.createElement('input');
    press('r', {}, input);
    const dialog = document.createElement('dialog');
    dialog.setAttribute('open', '');
    document.body.append(dialog);
    press('r');
    dialog.remove();
    app.shortcuts.on = false;
    press('r');
    expect(actions.retry).not.toHaveBeenCalled();
    app.shortcuts.on = true;
    const box = document.createElement('input');
    box.type = 'checkbox';
    press('r', {}, box);
    expect(actions.retry).toHaveBeenCalledOnce();
  });

  it('mean the open item, else what is selected, else the row', () => {
    const open = setUp('#/item/x');
    open.press('r');
    expect(open.actions.retry).toHaveBeenCalledWith({ ids: ['x'] }, undefined);
    const { actions, list, press } = setUp('#/failed/items');
    press('d');
    expect(actions.dismiss).toHaveBeenLastCalledWith({ ids: ['a'] });
    list.selection = new RowSelection(['b', 'c']);
    press('d');
    expect(actions.dismiss).toHaveBeenLastCalledWith({ ids: ['b', 'c'] });
  });

  it('make what waits for its next attempt due instead of beginning anew', () => {
    const { actions, press } = setUp('#/queue/retrying');
    press('r');
    expect(actions.sendNow).toHaveBeenCalledWith({ ids: ['a'] }, undefined);
    const open = setUp('#/item/x');
    open.list.get.mockReturnValue({ status: 'retrying' });
    open.press('r');
    expect(open.actions.sendNow).toHaveBeenCalledWith({ ids: ['x'] }, undefined);
  });

  it('mean everything that matches only as capitals, and only on a list of what can be', () => {
    const { actions, press } = setUp('#/failed/items');
    press('R', { shiftKey: true });
    expect(actions.retry).toHaveBeenCalledWith({ filter: { status: 'failed', asOf: 't' } }, 12);
    press('D', { shiftKey: true });
    expect(actions.dismiss).toHaveBeenCalledWith({ filter: { status: 'failed', asOf: 't' } }, 12);
    const dismissed = setUp('#/failed/dismissed');
    dismissed.press('R');
    dismissed.press('D');
    const open = setUp('#/item/x');
    open.press('R');
    for (const { actions: none } of [dismissed, open]) {
      expect(none.retry).not.toHaveBeenCalled();
      expect(none.dismiss).not.toHaveBeenCalled();
    }
  });

  it('do nothing to rows where there are none', () => {
    for (const address of [
      '#/overview',
      '#/failed/causes',
      '#/activity/work-items',
      '#/settings',
    ]) {
      const { actions, list, press } = setUp(address);
      for (const key of ['j', 'x', 'r', 'd', 'R']) press(key);
      expect(
        [list.move, list.select, actions.retry, actions.dismiss].map((one) => one.mock.calls),
      ).toEqual([[], [], [], []]);
    }
  });

  it('held down only move', () => {
    const { actions, list, press } = setUp('#/failed/items');
    press('j', { repeat: true });
    press('r', { repeat: true });
    expect(list.move).toHaveBeenCalledOnce();
    expect(actions.retry).not.toHaveBeenCalled();
  });

  it('open the commands and the settings even while somebody writes', () => {
    const { app, go, press } = setUp('#/overview');
    const input = document.createElement('input');
    expect(press('k', { ctrlKey: true }, input).defaultPrevented).toBe(true);
    expect(app.paletteOpen).toBe(true);
    press(',', { ctrlKey: true }, input);
    expect(go).toHaveBeenLastCalledWith('#/settings');
  });

  it('change the size in the desktop window only', () => {
    const browser = setUp('#/overview');
    expect(browser.press('+', { ctrlKey: true }).defaultPrevented).toBe(false);
    expect(browser.look.chooseZoom).not.toHaveBeenCalled();
    const { look, press } = setUp('#/overview', true);
    press('=', { ctrlKey: true });
    press('-', { ctrlKey: true });
    press('0', { ctrlKey: true });
    expect(look.chooseZoom.mock.calls).toEqual([[110], [90], [100]]);
  });
});
