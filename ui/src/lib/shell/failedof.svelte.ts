import type { Backend } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** How many items of one org have failed: the program counts all orgs by itself, of one its list is asked. */
export class FailedOf {
  #found = $state.raw<{ orgId: string; total: number } | null>(null);
  #backend: Pick<Backend, 'items'>;
  #onProblem: (error: unknown) => void;
  #wanted: string | null = null;
  #refresher = new Refresher(() => this.#read());

  constructor(backend: Pick<Backend, 'items'>, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Counts what goes to an org. */
  load(orgId: string): Promise<void> {
    this.#wanted = orgId;
    return this.#refresher.request();
  }

  /** How many of an org have failed; null before that is known. */
  of(orgId: string): number | null {
    return this.#found?.orgId === orgId ? this.#found.total : null;
  }

  async #read(): Promise<void> {
    const orgId = this.#wanted;
    if (orgId === null) return;
    try {
      const filter = { status: 'failed', targetOrgId: orgId };
      const { total } = await this.#backend.items(filter, 1, null);
      this.#found = { orgId, total };
    } catch (error) {
      // What is known stays.
      this.#onProblem(error);
    }
  }
}
