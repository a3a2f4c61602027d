import type { Backend, Org, Route, Status } from './backend/backend';
import { Problem } from './backend/backend';
import { Pace } from './backend/pace.svelte';
import { clock } from './shared/clock.svelte';
import { Refresher } from './shared/refresher';

/** How the page stands with the program. */
export type Link = 'connecting' | 'live' | 'lost';

/** What is wrong between the page and the program, the worst first. */
export type Trouble = 'signedOut' | 'stopped' | 'store' | 'slow' | 'cut';

/** How often the page asks by itself while something is wrong with the connection. */
const ASK_AGAIN_MS = 3000;
/** A stream that is back sooner than this is not worth a word. */
const CUT_MS = 1500;

/** Whether the program answers, but cannot get at its store. */
function isStoreProblem({ status, code }: Problem): boolean {
  return status === 500 || (status === 503 && code.startsWith('STORE'));
}

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
  /** When the shown data was fetched, by the program's time; null before the first time. */
  asOf = $state<string | null>(null);
  /** What is wrong, if anything. */
  readonly trouble = $derived.by((): Trouble | null => {
    if (this.signedOut) return 'signedOut';
    if (this.link === 'lost') return 'stopped';
    if (this.#storeFails) return 'store';
    if (this.#pace.slow) return 'slow';
    return this.#cut ? 'cut' : null;
  });
  /** Grows whenever items may have changed; lists reload on it. */
  revision = $state(0);

  readonly backend: Backend;
  #pace = new Pace(() => this.#askLater());
  /** The last answers were that the store cannot be read or written. */
  #storeFails = $state(false);
  /** The events have not arrived for a while. */
  #cut = $state(false);
  #cutTimer: ReturnType<typeof setTimeout> | null = null;
  #orgsById = $derived(new Map(this.orgs.map((org) => [org.orgId.slice(0, 15), org])));
  #refresher = new Refresher(() => this.#fetch());
  /** Whether the events arrive; without them the page has to ask by itself. */
  #streaming = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(backend: Backend) {
    this.backend = this.#pace.watch(backend);
  }

  /** Begins to follow the program; the result ends it. */
  start(): () => void {
    void this.refresh();
    const stop = this.backend.listen({
      connected: () => {
        this.#streaming = true;
        this.#setCut(false);
        this.revision += 1;
        void this.refresh();
      },
      disconnected: () => {
        this.#streaming = false;
        this.#setCut(true);
        // Whether only the events are gone or the whole program, a call will tell.
        void this.refresh();
      },
      changed: (change) => {
        if (change.items === null || change.items.length > 0) this.revision += 1;
        void this.refresh();
      },
    });
    return () => {
      stop();
      this.#setCut(false);
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
    if (error instanceof Problem && isStoreProblem(error)) {
      this.#storeFails = true;
      this.#askLater();
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
      // Lists may have missed something while there was no connection, no store or no events.
      if (this.link === 'lost' || this.#storeFails || !this.#streaming) this.revision += 1;
      this.link = 'live';
      this.#storeFails = false;
      if (!this.#streaming || this.#pace.slow) this.#askLater();
      this.asOf = status.serverTime;
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
      if (this.trouble !== null || !this.#streaming) void this.refresh();
    }, ASK_AGAIN_MS);
  }

  #setCut(cut: boolean): void {
    if (this.#cutTimer !== null) clearTimeout(this.#cutTimer);
    this.#cutTimer = null;
    if (cut) this.#cutTimer = setTimeout(() => (this.#cut = true), CUT_MS);
    else this.#cut = false;
  }
}
