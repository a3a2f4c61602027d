import type { App } from '../app.svelte';
import { href, itemHref, type Screen } from '../router.svelte';

const GO: Record<string, Screen> = {
  o: 'overview',
  f: 'failed',
  q: 'queue',
  a: 'activity',
  s: 'orgs',
};
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

function retry(app: App): void {
  const { list, actions, router } = app;
  if (router.place.itemId !== null) void actions.retry({ ids: [router.place.itemId] });
  else if (list.selection.size > 0) void actions.retry({ ids: [...list.selection.ids] });
  else if (list.activeId !== null) void actions.retry({ ids: [list.activeId] });
}

/** Whether the screen beneath is a list, so that row keys mean something. */
function listShown(app: App): boolean {
  const { screen, tab } = app.router.place;
  return screen === 'failed' ? tab !== 'causes' : screen === 'queue' || tab === 'events';
}

/**
 * Answers the single-letter keys and Escape. They rest while someone writes or a
 * dialog is open.
 */
export function handleKey(app: App, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]') !== null || writing(event.target)) return;
  const { list, router } = app;
  const key = event.key;
  if (key === 'Escape') {
    if (router.place.itemId !== null) router.closeItem();
    return;
  }
  if (!app.shortcuts.on) return;
  // Only moving goes on while a key is held: each repeat of `r` would retry one row more.
  if (event.repeat && key !== 'j' && key !== 'k') return;

  if (Date.now() < goUntil) {
    goUntil = 0;
    const screen = GO[key];
    if (screen !== undefined) {
      event.preventDefault();
      router.go(href(screen));
      return;
    }
  }
  if (key === 'g') goUntil = Date.now() + CHORD_MS;
  else if (key === '?') app.helpOpen = true;
  else if (!listShown(app)) {
    if (key === 'r' && router.place.itemId !== null) retry(app);
  } else if (key === 'j' || key === 'k') {
    const id = list.move(key === 'j' ? 1 : -1);
    // With an item open the same keys turn over to the neighbour.
    if (router.place.itemId !== null && id !== null) router.go(itemHref(id, router.place.full));
    else focusRow(id);
  } else if (key === 'x' && list.activeId !== null) {
    list.select(list.selection.toggle(list.activeId, list));
  } else if (key === 'r') retry(app);
}
