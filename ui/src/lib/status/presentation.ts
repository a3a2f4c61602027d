import ArrowUp from '@lucide/svelte/icons/arrow-up';
import Archive from '@lucide/svelte/icons/archive';
import Check from '@lucide/svelte/icons/check';
import Clock from '@lucide/svelte/icons/clock';
import GitFork from '@lucide/svelte/icons/git-fork';
import OctagonAlert from '@lucide/svelte/icons/octagon-alert';
import Pause from '@lucide/svelte/icons/pause';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import type { Component } from 'svelte';
import type { Item, ItemStatus } from '../backend/backend';
import { m } from '../shared/messages';

/** How a row is shown: its status, or one of the two marks that lie over a status. */
export type ShownStatus = ItemStatus | 'held' | 'dismissed';

/** The looks of a status: always icon and word, never colour alone. */
export interface Presentation {
  word: string;
  /** The name of the colour tokens, `--tone-…`. */
  tone: 'slate' | 'blue' | 'amber' | 'red' | 'green' | 'violet' | 'striped' | 'outline';
  icon: Component;
}

/** Every shown status and its looks. */
export const PRESENTATIONS: Record<ShownStatus, Presentation> = {
  queued: { word: m.status.queued, tone: 'slate', icon: Clock },
  processing: { word: m.status.processing, tone: 'blue', icon: ArrowUp },
  retrying: { word: m.status.retrying, tone: 'amber', icon: RotateCw },
  failed: { word: m.status.failed, tone: 'red', icon: OctagonAlert },
  synced: { word: m.status.synced, tone: 'green', icon: Check },
  superseded: { word: m.status.superseded, tone: 'violet', icon: GitFork },
  held: { word: m.status.held, tone: 'striped', icon: Pause },
  dismissed: { word: m.status.dismissed, tone: 'outline', icon: Archive },
};

/** What to show for an item: dismissed and held lie over the status beneath. */
export function shownStatus(item: Pick<Item, 'status' | 'heldBy' | 'dismissedAt'>): ShownStatus {
  if (item.status === 'failed' && item.dismissedAt !== null) return 'dismissed';
  if (item.heldBy !== null && (item.status === 'queued' || item.status === 'retrying')) {
    return 'held';
  }
  return item.status;
}
