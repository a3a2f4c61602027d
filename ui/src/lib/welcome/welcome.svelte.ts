import type { Place } from '../router.svelte';
import { recall, remember } from '../shared/remember';

const KEY = 'sync-monitor.welcome';

/** The steps of the first run. */
export const STEPS = ['what', 'begin', 'background'] as const;

/** One of {@link STEPS}. */
export type Step = (typeof STEPS)[number];

/** The first run: shown once, to whoever has no org yet. */
export class Welcome {
  /** Whether it was gone through, or waved away. */
  done = $state(recall(KEY) === 'done');

  /** Never shows by itself again. */
  finish(): void {
    this.done = true;
    remember(KEY, 'done');
  }

  /** Whether it is to be shown instead of an overview of nothing. A link to another screen is followed. */
  isDue(place: Pick<Place, 'screen'>, loaded: boolean, orgs: number): boolean {
    return !this.done && loaded && orgs === 0 && place.screen === 'overview';
  }
}
