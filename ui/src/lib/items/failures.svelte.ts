import type { Backend, FailureGroup, ItemFilter } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** Counting goes through all that failed: on a busy day once a second is often enough. */
const GAP_MS = 1000;

/** What failed and is not dismissed, by cause; the cause that was seen last first. */
export class FailureList {
  groups = $state.raw<FailureGroup[]>([]);
  phase = $state<'loading' | 'ready' | 'error'>('loading');

  /** The program's time when they were read: what fails later is not meant by a cause. */
  #asOf = '';
  #held = false;
  /** Whether something waits until nobody is about to click any more. */
  #waiting = false;
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read(), GAP_MS);

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads them again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Lets the causes stay in their places, or no longer. Their numbers go on. */
  hold(on: boolean): void {
    this.#held = on;
    if (!on && this.#waiting) void this.refresh();
  }

  /** Shows causes that came and lets go those that went, whoever is about to click. */
  applyNow(): Promise<void> {
    this.#held = false;
    return this.refresh();
  }

  /** Exactly the items of a cause, as they were counted. */
  itemsOf(group: Pick<FailureGroup, 'failureKey'>): { filter: ItemFilter } {
    return {
      filter: { status: 'failed', failureKey: group.failureKey, asOf: this.#asOf },
    };
  }

  async #read(): Promise<void> {
    try {
      // First the time, then the causes: what fails in between is counted, but not meant.
      const { serverTime } = await this.#backend.status();
      const fresh = await this.#backend.failures();
      this.#waiting = this.#held && this.phase === 'ready';
      this.groups = this.#waiting ? inPlace(this.groups, fresh) : fresh;
      this.#asOf = serverTime;
      this.phase = 'ready';
    } catch (error) {
      this.#onProblem(error);
      if (this.phase === 'loading') this.phase = 'error';
    }
  }
}

/** The shown causes with newer numbers; none comes, goes or moves. */
function inPlace(shown: readonly FailureGroup[], fresh: readonly FailureGroup[]): FailureGroup[] {
  const known = new Map(fresh.map((group) => [group.failureKey, group]));
  return shown.map((group) => known.get(group.failureKey) ?? group);
}

/** The causes on the way to one org, or all. */
export function causesOf(
  groups: readonly FailureGroup[],
  orgId: string | undefined,
): FailureGroup[] {
  const mine = (one: FailureGroup) => one.targetOrgId.slice(0, 15) === orgId?.slice(0, 15);
  return orgId === undefined ? [...groups] : groups.filter(mine);
}
