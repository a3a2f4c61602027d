import type { App } from '../app.svelte';
import type { Selection } from '../backend/backend';
import { isList } from '../items/filter';
import { href, itemHref, type Screen } from '../router.svelte';
import { copyText } from '../shared/clipboard';
import { zoomStep } from '../shared/look.svelte';
import { m } from '../shared/messages';
import { times } from '../shared/times.svelte';
import { hasMod } from './keyboard';
import { SHORTCUTS } from './shortcuts.svelte';

/** The screen behind the second key of `g …`. */
const GO = new Map<string, Screen>(
  (Object.entries(SHORTCUTS.screens) as [Screen, string][]).map(([screen, keys]) => [
    keys.slice(-1),
    screen,
  ]),
);
/** How long after `g` the second key still counts. */
const CHORD_MS = 1500;
let goUntil = 0;

function writing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('textarea, select')) return true;
  return (
    target instanceof HTMLInputElement && target.type !== 'checkbox' && target.type !== 'radio'
  );
}

function focusRow(id: string | null): void {
  if (id === null) return;
  document.querySelector<HTMLElement>(`[data-row-link="${CSS.escape(id)}"]`)?.focus();
}

/** What a key for items means: the open item, else the selected rows, else the row it is on. */
function meant(app: App): Selection | null {
  const { list, router } = app;
  if (router.place.itemId !== null) return { ids: [router.place.itemId] };
  if (!listShown(app)) return null;
  if (list.selection.size > 0) return list.selection.toSelection();
  return list.activeId === null ? null : { ids: [list.activeId] };
}

/** Whether the screen beneath is a list of items, so that row keys mean something. */
function listShown(app: App): boolean {
  return isList(app.router.place.tab);
}

/** Tries again: what waits for its next attempt makes it now, what has failed begins anew. */
function retry(app: App, selection: Selection, count?: number): void {
  const { actions, list, router } = app;
  const { itemId, tab } = router.place;
  const waits = itemId === null ? tab === 'retrying' : list.get(itemId)?.status === 'retrying';
  void (waits ? actions.sendNow(selection, count) : actions.retry(selection, count));
}

/** Capital letters mean everything that the list's filter matches; a dialog asks first. */
function withEverything(app: App, key: 'R' | 'D'): boolean {
  const { actions, list, router } = app;
  const { itemId, tab } = router.place;
  if (itemId !== null || list.total === 0) return false;
  if (key === 'R' && (tab === 'items' || tab === 'retrying')) {
    retry(app, list.everything(), list.total);
    return true;
  }
  if (key !== 'D' || tab !== 'items') return false;
  actions.dismiss(list.everything(), list.total);
  return true;
}

async function copyIds(app: App, ids: string[]): Promise<void> {
  const copied = await copyText(ids.join('\n'));
  app.notices.say(copied ? 'done' : 'error', copied ? m.ids.copied(ids.length) : m.ids.notCopied);
}

function move(app: App, step: 1 | -1): void {
  const { list, router } = app;
  const id = list.move(step);
  // With an item open the same keys turn over to the neighbour.
  if (router.place.itemId !== null && id !== null) router.go(itemHref(id, router.place.full));
  else focusRow(id);
}

/** What each letter does; false where it means nothing here. */
function letter(app: App, key: string): boolean {
  const { list, actions } = app;
  const selection = meant(app);
  if (app.router.place.itemId === null && app.screenKeys?.(key) === true) return true;
  switch (key) {
    case '?':
      app.helpOpen = true;
      return true;
    case '/':
      document.querySelector<HTMLInputElement>('[data-search]')?.focus();
      return true;
    case 't':
      app.notices.say('done', m.times.now(m.times[times.next()]));
      return true;
    case 'j':
    case 'k':
      if (!listShown(app)) return false;
      move(app, key === 'j' ? 1 : -1);
      return true;
    case 'x':
      if (!listShown(app) || list.activeId === null) return false;
      list.select(list.selection.toggle(list.activeId, list));
      return true;
    case 'r':
      if (selection !== null) retry(app, selection);
      return selection !== null;
    case 'd':
      if (selection !== null) actions.dismiss(selection);
      return selection !== null;
    case 'c':
      // Everything that a filter matches has too many names for a clipboard.
      if (selection === null || !('ids' in selection)) return false;
      void copyIds(app, selection.ids);
      return true;
    case 'R':
    case 'D':
      return withEverything(app, key);
    default:
      return false;
  }
}

/** The keys with the key for commands; they work while somebody writes, too. */
function command(app: App, key: string): boolean {
  const { look, monitor, router } = app;
  switch (key.toLowerCase()) {
    case 'k':
      app.paletteOpen = !app.paletteOpen;
      return true;
    case ',':
      router.go(href('settings'));
      return true;
  }
  // A browser has a zoom of its own; the desktop window has none.
  if (monitor.backend.desktop === null) return false;
  switch (key) {
    case '+':
    case '=':
      look.chooseZoom(zoomStep(look.zoom, 1));
      return true;
    case '-':
      look.chooseZoom(zoomStep(look.zoom, -1));
      return true;
    case '0':
      look.chooseZoom(100);
      return true;
    default:
      return false;
  }
}

/**
 * Answers the keys of the page. Letters rest while someone writes or a dialog
 * is open, and altogether when they are switched off.
 */
export function handleKey(app: App, event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const { key } = event;
  const dialog = document.querySelector('dialog[open]') !== null;
  if (hasMod(event)) {
    // The palette closes by the key that opens it; other dialogs keep it out.
    if (dialog && !app.paletteOpen) return;
    if (!event.repeat && command(app, key)) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || dialog || writing(event.target)) return;
  if (key === 'Escape') {
    if (app.router.place.itemId !== null) app.router.closeItem();
    return;
  }
  if (!app.shortcuts.on) return;
  // Only moving goes on while a key is held: each repeat of `r` would retry one row more.
  if (event.repeat && key !== 'j' && key !== 'k') return;

  if (Date.now() < goUntil) {
    goUntil = 0;
    const screen = GO.get(key);
    if (screen !== undefined) {
      event.preventDefault();
      app.router.go(app.router.to(screen));
      return;
    }
  }
  if (key === 'g') goUntil = Date.now() + CHORD_MS;
  else if (letter(app, key)) event.preventDefault();
}
