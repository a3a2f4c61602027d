import { recall, remember } from './shared/remember';

/** The screens of the sidebar, in its order. */
export const SCREENS = [
  'overview',
  'failed',
  'queue',
  'activity',
  'orgs',
  'insights',
  'audit',
  'settings',
] as const;

/** A screen of the sidebar, or one that a link leads to: a work item's thread, the bulk runs, one of them, the first run. */
export type Screen = (typeof SCREENS)[number] | 'thread' | 'runs' | 'run' | 'welcome';

/** The tabs of each screen; the first is the one shown without a choice. */
export const TABS = {
  overview: [],
  failed: ['causes', 'items', 'dismissed', 'own'],
  queue: ['queued', 'retrying', 'sending', 'held'],
  activity: ['events', 'work-items'],
  orgs: ['cards', 'map'],
  insights: [],
  audit: [],
  settings: [
    'general',
    'notifications',
    'retry',
    'privacy',
    'api',
    'data',
    'appearance',
    'keyboard',
    'diagnostics',
    'about',
  ],
  thread: [],
  runs: [],
  run: [],
  welcome: [],
} as const satisfies Record<Screen, readonly string[]>;

/** A tab of any screen. */
export type Tab = (typeof TABS)[Screen][number];

/** What an address can narrow a screen to; each is a parameter of the same name. */
export const FILTER_KEYS = [
  'status',
  'targetOrgId',
  'sourceOrgId',
  'q',
  'since',
  'until',
  'failureKey',
  'runId',
  'sort',
  'action',
  'actor',
  'subject',
  'window',
] as const;

/** The filter in an address. Empty members are left out. */
export type PlaceFilter = Partial<Record<(typeof FILTER_KEYS)[number], string>>;

/** Where the page is: a screen, what it is narrowed to, and the item over it. */
export interface Place {
  screen: Screen;
  tab: Tab | null;
  filter: PlaceFilter;
  /** The external ID of a thread, or the ID of a run. */
  id: string | null;
  itemId: string | null;
  /** Whether the item fills the page instead of lying over it. */
  full: boolean;
}

/** The screens that the org filter of the top bar narrows. */
const BY_ORG: readonly Screen[] = ['overview', 'failed', 'queue', 'activity', 'orgs', 'insights'];
/** The first segment of an address where it is not the screen's name. */
const SEGMENTS: Partial<Record<Screen, string>> = { thread: 'work-item', run: 'runs' };

function queryOf(filter: PlaceFilter): string {
  const query = new URLSearchParams();
  for (const key of FILTER_KEYS) {
    const value = filter[key];
    if (value !== undefined && value !== '') query.set(key, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The address of a screen's tab, narrowed by a filter. */
export function href(screen: Screen, tab?: Tab | null, filter: PlaceFilter = {}): string {
  const path = tab === undefined || tab === null ? `#/${screen}` : `#/${screen}/${tab}`;
  return path + queryOf(filter);
}

/** The address of an item: over the list, or as a page of its own. */
export function itemHref(id: string, full = false): string {
  return `#/item/${encodeURIComponent(id)}${full ? '/full' : ''}`;
}

/** The address of everything about one work item. */
export function threadHref(externalId: string): string {
  return `#/work-item/${encodeURIComponent(externalId)}`;
}

/** The address of what a bulk run did. */
export function runHref(id: string): string {
  return `#/runs/${encodeURIComponent(id)}`;
}

/** The address of a place, without the item over it. */
export function placeHref({ screen, tab, filter, id }: Place): string {
  const segment = SEGMENTS[screen];
  if (segment !== undefined) return `#/${segment}/${encodeURIComponent(id ?? '')}`;
  return href(screen, tab, filter);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function filterOf(query: string): PlaceFilter {
  const given = new URLSearchParams(query);
  const filter: PlaceFilter = {};
  for (const key of FILTER_KEYS) {
    const value = given.get(key);
    if (value !== null && value !== '') filter[key] = value;
  }
  return filter;
}

/**
 * Reads an address. An item has no screen of its own: it is drawn over the
 * screen that was open before.
 */
export function parsePlace(hash: string, before: Place | null): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [first = '', second = '', third = ''] = path.split('/');
  if (first === 'item' && second !== '') {
    const under: Place = before ?? parsePlace(href('failed', 'items'), null);
    return { ...under, itemId: decode(second), full: third === 'full' };
  }
  const rest = { filter: filterOf(query), id: null, itemId: null, full: false };
  if (second !== '') {
    const linked = (['thread', 'run'] as const).find((name) => SEGMENTS[name] === first);
    if (linked !== undefined) return { ...rest, screen: linked, tab: null, id: decode(second) };
  }
  const screen =
    first === 'welcome' || first === 'runs'
      ? first
      : (SCREENS.find((name) => name === first) ?? 'overview');
  const tabs: readonly Tab[] = TABS[screen];
  return { ...rest, screen, tab: tabs.find((name) => name === second) ?? tabs[0] ?? null };
}

const ORG = 'sync-monitor.org';

/** What the browser remembers with an entry of its history. */
interface Remembered {
  /** The address of the screen under an item. */
  under?: string;
}

/** The page's place, following the address bar. */
export class Router {
  place = $state.raw<Place>(parsePlace('', null));
  /** The org that somebody chose to see only; it goes along from screen to screen, and survives a reload. */
  org = $state<string | null>(recall(ORG, 'visit'));

  constructor() {
    this.#follow(null);
  }

  /** Follows the address bar until the returned function is called. */
  start(): () => void {
    const follow = () => this.#follow(this.place);
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }

  /** Goes to an address. */
  go(address: string): void {
    location.hash = address;
  }

  /** Goes to an address in the place of the present one, to which "back" does not lead. */
  replace(address: string): void {
    history.replaceState(null, '', address);
    this.#follow(this.place);
  }

  /**
   * The address of a screen as the frame opens it: narrowed to the chosen org.
   * Links elsewhere mean exactly what they say, so that a number leads to its rows.
   */
  to(screen: Screen, tab?: Tab | null): string {
    const narrowed = this.org !== null && BY_ORG.includes(screen);
    return href(screen, tab, narrowed ? { targetOrgId: this.org ?? undefined } : {});
  }

  /** The org that is shown only: the screen's own, else the chosen one where the screen knows no orgs. */
  get shownOrg(): string | null {
    const { screen, filter } = this.place;
    return BY_ORG.includes(screen) ? (filter.targetOrgId ?? null) : this.org;
  }

  /** Changes the filter of the screen in place: no new entry in the history. `undefined` takes a member out. */
  narrow(change: PlaceFilter): void {
    if ('targetOrgId' in change) this.#choose(change.targetOrgId ?? null);
    const filter: PlaceFilter = {};
    for (const key of FILTER_KEYS) {
      const value = key in change ? change[key] : this.place.filter[key];
      if (value !== undefined && value !== '') filter[key] = value;
    }
    this.#replace({ ...this.place, filter });
  }

  /** Narrows every screen to an org, or to none. */
  chooseOrg(orgId: string | null): void {
    this.#choose(orgId);
    if (BY_ORG.includes(this.place.screen)) {
      this.narrow({ targetOrgId: orgId ?? undefined });
    }
  }

  /** Closes the item and shows the screen beneath. */
  closeItem(): void {
    this.go(placeHref(this.place));
  }

  #follow(before: Place | null): void {
    const { under } = (history.state ?? {}) as Remembered;
    // After a reload the history still knows what the item lies over.
    const beneath = before ?? (under === undefined ? null : parsePlace(under, null));
    const place = parsePlace(location.hash, beneath);
    this.place = place;
    if (place.itemId !== null) {
      history.replaceState({ under: placeHref(place) } satisfies Remembered, '');
    }
  }

  #choose(orgId: string | null): void {
    this.org = orgId;
    remember(ORG, orgId ?? '', 'visit');
  }

  #replace(place: Place): void {
    this.place = place;
    if (place.itemId === null) history.replaceState(null, '', placeHref(place));
    else history.replaceState({ under: placeHref(place) } satisfies Remembered, '');
  }
}
