import type { Item, Org, Route } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import type { OrgActions } from '../orgs/actions.svelte';
import { m } from '../shared/messages';
import type { ItemActions } from './actions.svelte';

/** What is held: all that goes to an org, or only what comes from one certain org. */
export type Way = { org: Org } | { route: Route };

const same = (a: string, b: string) => a.slice(0, 15) === b.slice(0, 15);

/** What of an item's way people can hold and release: an item alone cannot be held, since newer changes would pass it. */
export class Holds {
  /** The item whose way is about to be held. */
  asking = $state.raw<Item | null>(null);

  #monitor: Monitor;
  #orgs: OrgActions;
  #say: ItemActions;

  constructor(monitor: Monitor, orgs: OrgActions, say: ItemActions) {
    this.#monitor = monitor;
    this.#orgs = orgs;
    this.#say = say;
  }

  /** The ways of an item that can be held, the narrower one first. */
  ways(item: Pick<Item, 'sourceOrgId' | 'targetOrgId'>): Way[] {
    const org = this.#monitor.org(item.targetOrgId);
    const route = this.#monitor.routes.find(
      (one) => same(one.sourceOrgId, item.sourceOrgId) && same(one.targetOrgId, item.targetOrgId),
    );
    const ways: Way[] = [];
    if (route?.enabled) ways.push({ route });
    if (org !== null && org.health !== 'paused') ways.push({ org });
    return ways;
  }

  /** Whether an item waits without anybody having held it, on a way that can be held. */
  canHold(item: Item): boolean {
    const waits = item.status === 'queued' || item.status === 'retrying';
    return waits && this.heldWay(item) === null && this.ways(item).length > 0;
  }

  /** The way that somebody holds an item on; null where nobody does. */
  heldWay(item: Pick<Item, 'heldBy' | 'sourceOrgId' | 'targetOrgId'>): Way | null {
    if (item.heldBy === 'orgPaused') {
      const org = this.#monitor.org(item.targetOrgId);
      return org === null ? null : { org };
    }
    if (item.heldBy !== 'routePaused') return null;
    const route = this.#monitor.routes.find(
      (one) => same(one.sourceOrgId, item.sourceOrgId) && same(one.targetOrgId, item.targetOrgId),
    );
    return route === undefined ? null : { route };
  }

  /** Whether a way is being held or released at this moment. */
  isBusy(way: Way): boolean {
    return this.#orgs.busy[this.#name(way)] ?? false;
  }

  /** What a way is called. */
  wordOf(way: Way): string {
    const { route } = 'route' in way ? way : { route: null };
    if (route !== null) {
      const names = [route.sourceOrgId, route.targetOrgId].map((id) => this.#monitor.orgName(id));
      return m.hold.route(names[0] ?? '', names[1] ?? '');
    }
    return 'org' in way ? m.hold.org(this.#monitor.orgName(way.org.orgId)) : '';
  }

  /** Holds a way; it can be taken back at once. */
  async hold(way: Way): Promise<void> {
    if (!(await this.#set(way, true))) return;
    this.asking = null;
    const undo = { label: m.bulk.undo, run: () => void this.release(way) };
    this.#say.say('done', m.hold.done(this.wordOf(way)), { action: undo });
  }

  /** Lets a way go on. */
  async release(way: Way): Promise<void> {
    if (await this.#set(way, false)) this.#say.say('done', m.hold.released(this.wordOf(way)));
  }

  async #set(way: Way, held: boolean): Promise<boolean> {
    const { backend } = this.#monitor;
    const done = await this.#orgs.run<Org | Route>(this.#name(way), () =>
      'org' in way
        ? backend.setOrgPaused(way.org.orgId, held)
        : backend.setRouteEnabled(way.route.id, !held),
    );
    return done !== null;
  }

  #name(way: Way): string {
    return 'org' in way ? `pause ${way.org.orgId}` : `route ${way.route.id}`;
  }
}
