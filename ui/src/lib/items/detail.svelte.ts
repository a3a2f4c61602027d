import type { Backend, ItemDetail } from '../backend/backend';
import { Problem } from '../backend/backend';
import { Refresher } from '../shared/refresher';

/** One item with its history, kept up to date while it is shown. */
export class ItemDetails {
  item = $state.raw<ItemDetail | null>(null);
  phase = $state<'loading' | 'ready' | 'missing' | 'error'>('loading');

  #id = '';
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#reload());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Shows another item. */
  show(id: string): void {
    if (id !== this.#id) {
      this.#id = id;
      this.item = null;
      this.phase = 'loading';
    }
    void this.refresh();
  }

  /** Reads the item again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  async #reload(): Promise<void> {
    const id = this.#id;
    try {
      const item = await this.#backend.item(id);
      if (id !== this.#id) return;
      this.item = item;
      this.phase = 'ready';
    } catch (error) {
      if (id !== this.#id) return;
      this.#onProblem(error);
      if (error instanceof Problem && error.status === 404) this.phase = 'missing';
      else if (this.item === null) this.phase = 'error';
    }
  }
}
