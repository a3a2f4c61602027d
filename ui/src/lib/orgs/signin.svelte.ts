import type { Backend, SignIn } from '../backend/backend';

/** How often a sign-in that waits for the browser is looked at. */
const LOOK_MS = 1000;

/**
 * A sign-in, from its beginning to its end: begun, shown in the browser, looked
 * at until it is over.
 */
export class SignInFlow {
  /** Where it stands; null while it begins. */
  state = $state.raw<SignIn | null>(null);
  /** Why it did not even begin. */
  failure = $state('');

  #backend: Backend;
  #begin: () => Promise<SignIn>;
  #connected: (orgId: string) => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #over = false;

  constructor(backend: Backend, begin: () => Promise<SignIn>, connected: (orgId: string) => void) {
    this.#backend = backend;
    this.#begin = begin;
    this.#connected = connected;
  }

  /** True while it waits for the browser. */
  get waiting(): boolean {
    return this.state?.state === 'waiting';
  }

  /** Begins it, or begins it anew. */
  async start(): Promise<void> {
    this.failure = '';
    this.state = null;
    try {
      this.#take(await this.#begin());
      if (this.waiting) void this.open();
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** Shows the login page in the browser, perhaps once more. */
  async open(): Promise<void> {
    const url = this.state?.authorizeUrl;
    // A browser that cannot be started is no failure: the link is shown as well.
    if (url !== null && url !== undefined) await this.#backend.openUrl(url).catch(() => undefined);
  }

  /** Nobody waits any more. What is over stays as it is. */
  close(): void {
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const id = this.state?.id;
    if (this.waiting && id !== null && id !== undefined) {
      // It ends by itself in a few minutes if this does not arrive.
      void this.#backend.cancelSignIn(id).catch(() => undefined);
    }
  }

  #take(state: SignIn): void {
    if (this.#over) return;
    this.state = state;
    if (state.state === 'waiting' && state.id !== null) {
      const id = state.id;
      this.#timer = setTimeout(() => void this.#look(id), LOOK_MS);
    } else if (state.state === 'connected' && state.orgId !== null) {
      this.#connected(state.orgId);
    }
  }

  async #look(id: string): Promise<void> {
    const now = await this.#backend.signIn(id).catch(() => null);
    // Without an answer the last one stands, and is asked for again.
    if (this.state !== null) this.#take(now ?? this.state);
  }
}
