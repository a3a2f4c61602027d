import type { Check, Org } from '../backend/backend';
import type { ItemActions } from '../items/actions.svelte';
import type { Monitor } from '../monitor.svelte';
import { m } from '../shared/messages';
import { SignInFlow } from './signin.svelte';

/** What is done with orgs and routes, and what is said about it. */
export class OrgActions {
  /** What the last test of each org found. */
  checks = $state<Record<string, Check[]>>({});
  /** What is under way, by name. */
  busy = $state<Record<string, boolean>>({});
  /** The org that is being signed in to again, with how it goes. */
  signingIn = $state.raw<{ org: Org; flow: SignInFlow } | null>(null);

  #monitor: Monitor;
  #say: ItemActions;

  constructor(monitor: Monitor, say: ItemActions) {
    this.#monitor = monitor;
    this.#say = say;
  }

  /** Runs a call of a name, once at a time; says what went wrong. */
  async run<T>(name: string, call: () => Promise<T>): Promise<T | null> {
    if (this.busy[name]) return null;
    this.busy[name] = true;
    try {
      const result = await call();
      await this.#monitor.refresh();
      return result;
    } catch (error) {
      this.#say.sayProblem(error);
      return null;
    } finally {
      this.busy[name] = false;
    }
  }

  /** Tests an org; the result is kept until it is closed. */
  async test(orgId: string): Promise<Check[] | null> {
    const tested = await this.run(`test ${orgId}`, () => this.#monitor.backend.testOrg(orgId));
    if (tested === null) return null;
    this.checks[orgId] = tested.checks;
    return tested.checks;
  }

  /** Tests an org and says how many things there are to look at. */
  async testAndSay(org: Pick<Org, 'orgId'>): Promise<void> {
    const found = await this.test(org.orgId);
    if (found === null) return;
    const bad = found.filter((one) => one.result === 'failed' || one.result === 'warning').length;
    const name = this.#monitor.orgName(org.orgId);
    this.#say.say(bad === 0 ? 'done' : 'refused', m.orgs.tested(name, bad));
  }

  /** Forgets what the last test found. */
  closeChecks(orgId: string): void {
    delete this.checks[orgId];
  }

  /** Signs in to an org again: opens the browser, or asks the Salesforce CLI. */
  async signInAgain(org: Org): Promise<void> {
    const name = this.#monitor.orgName(org.orgId);
    const flow = new SignInFlow(
      this.#monitor.backend,
      () => this.#monitor.backend.loginAgain(org.orgId),
      (orgId) => {
        this.signingIn = null;
        const replaced = orgId !== org.orgId;
        this.#say.say('done', replaced ? m.orgs.signIn.other(name) : m.orgs.signIn.done(name));
        void this.#monitor.refresh();
      },
    );
    this.signingIn = { org, flow };
    await flow.start();
  }

  /** Gives up signing in again. */
  closeSignIn(): void {
    this.signingIn?.flow.close();
    this.signingIn = null;
  }

  /** Makes the routes of an org for the one that has taken its place; those that are there already stay. */
  async giveRoutes(from: string, to: string): Promise<void> {
    const same = (a: string, b: string) => a.slice(0, 15) === b.slice(0, 15);
    const moved = (id: string) => (same(id, from) ? to : id);
    const wanted = this.#monitor.routes
      .filter((route) => same(route.sourceOrgId, from) || same(route.targetOrgId, from))
      .map((route) => [moved(route.sourceOrgId), moved(route.targetOrgId)] as const)
      .filter(([source, target]) => !this.hasRoute(source, target) && !same(source, target));
    const made = await this.run(`routes ${from}`, async () => {
      for (const [source, target] of wanted) await this.#monitor.backend.addRoute(source, target);
      return wanted.length;
    });
    if (made !== null) this.#say.say('done', m.orgs.routesGiven(made));
  }

  /** Whether there is a route from one org to another. */
  hasRoute(source: string, target: string): boolean {
    const key = (a: string, b: string) => `${a.slice(0, 15)} ${b.slice(0, 15)}`;
    return this.#monitor.routes.some(
      (route) => key(route.sourceOrgId, route.targetOrgId) === key(source, target),
    );
  }
}
