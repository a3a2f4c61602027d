import type { Backend, Org, Route, Status } from './backend/backend';
import { Problem } from './backend/backend';
import { clock } from './shared/clock.svelte';
import { formatTime } from './shared/time';
import { Refresher } from './shared/refresher';

/** How the page stands with the program. */
export type Link = 'connecting' | 'live' | 'lost';

/** How often the page asks by itself while something is wrong with the connection. */
const ASK_AGAIN_MS = 3000;

/** What the whole page knows of the program, kept up to date by its events. */
export class Monitor {
  status = $state.raw<Status | null>(null);
  orgs = $state.raw<Org[]>([]);
  routes = $state.raw<Route[]>([]);
  /** False until the orgs and routes were read for the first time. */
  loaded = $state(false);
  link = $state<Link>('connecting');
  /** True when the program answers but no longer knows this window's session. */
  signedOut = $state(false);
  /** When the shown data was fetched, in words; null before the first time. */
  asOf = $state<string | null>(null);
  /** Grows whenever items may have changed; lists reload on it. */
  revision = $state(0);

  readonly backend: Backend;
  #orgsById = $derived(new Map(this.orgs.map((org) => [org.orgId.slice(0, 15), org])));
  #refresher = new Refresher(() => this.#fetch());
  /** Whether the events arrive; without them the page has to ask by itself. */
  #streaming = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Begins to follow the program; the result ends it. */
  start(): () => void {
    void this.refresh();
    const stop = this.backend.listen({
      connected: () => {
        this.#streaming = true;
        this.revision += 1;
        void this.refresh();
      },
      disconnected: () => {
        this.#streaming = false;
        this.#lost();
      },
      changed: (change) => {
        if (change.items === null || change.items.length > 0) this.revision += 1;
        void this.refresh();
      },
    });
    return () => {
      stop();
      if (this.#timer !== null) clearTimeout(this.#timer);
    };
  }

  /** Reads status, orgs and routes again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** The connected org of an org ID, however many of its 18 characters are given. */
  org(orgId: string): Org | null {
    return this.#orgsById.get(orgId.slice(0, 15)) ?? null;
  }

  /** What to call an org. */
  orgName(orgId: string): string {
    return this.org(orgId)?.alias ?? this.org(orgId)?.username ?? orgId;
  }

  /** Notes what a failed call says about the connection. */
  noteProblem(error: unknown): void {
    if (error instanceof Problem && error.unreachable) this.#lost();
    if (error instanceof Problem && error.status === 401) {
      this.signedOut = true;
      this.#lost();
    }
  }

  async #fetch(): Promise<void> {
    try {
      const [status, orgs, routes] = await Promise.all([
        this.backend.status(),
        this.backend.orgs(),
        this.backend.routes(),
      ]);
      clock.correct(status.serverTime);
      this.status = status;
      this.orgs = orgs;
      this.routes = routes;
      this.loaded = true;
      this.signedOut = false;
      // Lists may have missed something while there was no connection or no events.
      if (this.link === 'lost' || !this.#streaming) this.revision += 1;
      this.link = 'live';
      if (!this.#streaming) this.#askLater();
      this.asOf = formatTime(status.serverTime, clock.peek());
    } catch (error) {
      this.noteProblem(error);
    }
  }

  #lost(): void {
    this.link = 'lost';
    this.#askLater();
  }

  #askLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.link === 'lost' || !this.#streaming) void this.refresh();
    }, ASK_AGAIN_MS);
  }
}
