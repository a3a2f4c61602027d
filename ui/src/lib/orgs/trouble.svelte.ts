import type { Backend, Route } from '../backend/backend';
import { worstOf } from '../items/causes';
import { Refresher } from '../shared/refresher';
import type { RouteTrouble } from './trouble';

/** So many failed items of a route are looked at to find its causes; one cause rarely comes alone. */
const LOOKED_AT = 100;
const NONE: RouteTrouble = { failed: 0, worst: null };
const key = (orgId: string) => orgId.slice(0, 15);

/** What has failed on each route. */
export class RouteTroubles {
  /** Before it is ready nothing is known: a route without a failure then is none that is well. */
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  #found = $state.raw<ReadonlyMap<string, RouteTrouble>>(new Map());
  #routes: readonly Route[] = [];
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads what has failed on these routes. */
  show(routes: readonly Route[]): Promise<void> {
    this.#routes = routes;
    return this.#refresher.request();
  }

  /** What has failed on a route. */
  of(routeId: string): RouteTrouble {
    return this.#found.get(routeId) ?? NONE;
  }

  async #read(): Promise<void> {
    const routes = this.#routes;
    try {
      const groups = await this.#backend.failures();
      const targets = new Set(groups.map((group) => key(group.targetOrgId)));
      const found = new Map<string, RouteTrouble>();
      for (const { id, sourceOrgId, targetOrgId } of routes) {
        if (!targets.has(key(targetOrgId))) continue;
        // Groups know only their target: which of them a route has, its items say.
        const filter = { status: 'failed', sourceOrgId, targetOrgId };
        const { items, total } = await this.#backend.items(filter, LOOKED_AT, null);
        const keys = new Set(items.map((item) => item.failureKey));
        const worst = worstOf(groups.filter((group) => keys.has(group.failureKey)));
        found.set(id, { failed: total, worst });
      }
      this.#found = found;
      this.phase = 'ready';
    } catch (error) {
      if (this.phase !== 'ready') this.phase = 'error';
      this.#onProblem(error);
    }
  }
}
