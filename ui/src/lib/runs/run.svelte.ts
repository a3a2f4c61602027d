import type { Backend, RunDetail } from '../backend/backend';
import { Problem } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** One bulk run and where its items stand, kept up to date while it is shown. */
export class ShownRun {
  run = $state.raw<RunDetail | null>(null);
  phase = $state<'loading' | 'ready' | 'missing' | 'error'>('loading');

  #id = '';
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Shows a run, as it stands now. */
  show(id: string): Promise<void> {
    if (id !== this.#id) {
      this.#id = id;
      this.run = null;
      this.phase = 'loading';
    }
    return this.refresh();
  }

  /** Reads it again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  async #read(): Promise<void> {
    const id = this.#id;
    try {
      const run = await this.#backend.run(id);
      if (id !== this.#id) return;
      this.run = run;
      this.phase = 'ready';
    } catch (error) {
      if (id !== this.#id) return;
      this.#onProblem(error);
      if (error instanceof Problem && error.status === 404) this.phase = 'missing';
      else if (this.run === null) this.phase = 'error';
    }
  }
}
