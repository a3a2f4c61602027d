/** The screens, in the order of the sidebar. */
export const SCREENS = ['overview', 'failed', 'queue', 'activity', 'orgs'] as const;

/** One of {@link SCREENS}. */
export type Screen = (typeof SCREENS)[number];

/** The tabs of each screen; the first is the one shown without a choice. */
export const TABS = {
  overview: [],
  failed: ['items', 'dismissed'],
  queue: ['queued', 'retrying', 'sending', 'held'],
  activity: ['all', 'synced', 'superseded', 'log'],
  orgs: [],
} as const satisfies Record<Screen, readonly string[]>;

/** A tab of any screen. */
export type Tab = (typeof TABS)[Screen][number];

/** Where the page is: a screen, and the item drawn over it. */
export interface Place {
  screen: Screen;
  tab: Tab | null;
  itemId: string | null;
}

/** The address of a screen's tab. */
export function href(screen: Screen, tab?: Tab): string {
  return tab === undefined ? `#/${screen}` : `#/${screen}/${tab}`;
}

/** The address of an item. */
export function itemHref(id: string): string {
  return `#/item/${encodeURIComponent(id)}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Reads an address. An item has no screen of its own: it is drawn over the
 * screen that was open before.
 */
export function parsePlace(hash: string, before: Place | null): Place {
  const [first = '', second = ''] = hash.replace(/^#\/?/, '').split('/');
  if (first === 'item' && second !== '') {
    return {
      screen: before?.screen ?? 'failed',
      tab: before === null ? 'items' : before.tab,
      itemId: decode(second),
    };
  }
  const screen = SCREENS.find((name) => name === first) ?? 'overview';
  const tabs: readonly Tab[] = TABS[screen];
  return { screen, tab: tabs.find((name) => name === second) ?? tabs[0] ?? null, itemId: null };
}

/** The page's place, following the address bar. */
export class Router {
  place = $state.raw<Place>(parsePlace(location.hash, null));

  /** Follows the address bar until the returned function is called. */
  start(): () => void {
    const follow = () => {
      this.place = parsePlace(location.hash, this.place);
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }

  /** Goes to an address. */
  go(address: string): void {
    location.hash = address;
  }

  /** Closes the item and shows the screen beneath. */
  closeItem(): void {
    this.go(href(this.place.screen, this.place.tab ?? undefined));
  }
}
