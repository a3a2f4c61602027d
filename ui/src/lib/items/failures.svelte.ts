import type { Backend, FailureGroup } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** What failed and is not dismissed, by cause; the cause that was seen last first. */
export class FailureList {
  groups = $state.raw<FailureGroup[]>([]);
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  /** The program's time when they were read: what fails later is not meant by a cause. */
  asOf = '';

  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Reads them again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  async #read(): Promise<void> {
    try {
      const { serverTime } = await this.#backend.status();
      this.groups = await this.#backend.failures();
      this.asOf = serverTime;
      this.phase = 'ready';
    } catch (error) {
      this.#onProblem(error);
      if (this.phase === 'loading') this.phase = 'error';
    }
  }
}
