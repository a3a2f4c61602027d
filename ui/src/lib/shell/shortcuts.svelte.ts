import { recall, remember } from '../shared/remember';
import { MOD } from './keyboard';

const KEY = 'sync-monitor.shortcuts';

/** What keys do, by where they do it. The words are in the catalogue under the same names. */
export const SHORTCUTS = {
  everywhere: {
    palette: `${MOD}+K`,
    search: '/',
    help: '?',
    times: 't',
    close: 'Esc',
    preferences: `${MOD}+,`,
  },
  screens: {
    overview: 'g o',
    failed: 'g f',
    queue: 'g q',
    activity: 'g a',
    orgs: 'g r',
    insights: 'g i',
    audit: 'g u',
    settings: 'g s',
  },
  lists: {
    move: 'j k',
    select: 'x',
    open: 'Enter',
    retry: 'r',
    dismiss: 'd',
    copy: 'c',
    retryAll: 'R',
    dismissAll: 'D',
  },
  desktop: { larger: `${MOD}+Plus`, smaller: `${MOD}+Minus`, usual: `${MOD}+0` },
} as const;

/** A group of shortcuts. */
export type ShortcutGroup = keyof typeof SHORTCUTS;

/** The keys that do something of a name; none for most. */
export function keysOf(name: string): string | undefined {
  const groups: Record<string, string>[] = Object.values(SHORTCUTS);
  return groups.find((group) => name in group)?.[name];
}

/**
 * Whether single letters do something. They can be switched off, since speech
 * input may say one by accident (WCAG 2.1.4).
 */
export class Shortcuts {
  on = $state(recall(KEY) !== 'off');

  /** Switches the letters on or off. */
  set(on: boolean): void {
    this.on = on;
    remember(KEY, on ? 'on' : 'off');
  }
}
