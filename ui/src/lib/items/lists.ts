import type { ItemFilter } from '../backend/backend';
import type { Screen, Tab } from '../router.svelte';
import { m } from '../shared/messages';

/**
 * The filter behind a tab. It asks for exactly what the status counts, so that
 * every number on the overview leads to that many rows.
 */
export function filterOf(screen: Screen, tab: Tab): ItemFilter {
  switch (tab) {
    case 'items':
      return { status: 'failed' };
    case 'dismissed':
      return { status: 'failed', dismissed: true };
    case 'sending':
      return { status: 'processing' };
    case 'held':
      return { held: true };
    case 'queued':
    case 'retrying':
      return { status: tab };
    default:
      return screen === 'failed' ? { status: 'failed' } : {};
  }
}

/** A screen's heading. */
export function screenTitle(screen: Screen): string {
  return m.nav[screen];
}
