import type { Backend, Item } from '../backend/backend';
import { Refresher } from '../shared/refresher';
import { versionsOf, type Version } from './thread';

/** So many items of one record are read, the newest; a record has few. */
const MOST = 500;

/** Everything known of one record: its items in all orgs and directions, kept up to date while it is shown. */
export class Thread {
  versions = $state.raw<Version[]>([]);
  /** How many items are shown, and how many there are. */
  shown = $state(0);
  total = $state(0);
  phase = $state<'loading' | 'ready' | 'error'>('loading');

  #externalId = '';
  #backend: Backend;
  #onProblem: (error: unknown) => void;
  #refresher = new Refresher(() => this.#read());

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** Shows another record. */
  show(externalId: string): void {
    if (externalId !== this.#externalId) {
      this.#externalId = externalId;
      this.versions = [];
      this.phase = 'loading';
    }
    void this.refresh();
  }

  /** Reads it again. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  async #read(): Promise<void> {
    const externalId = this.#externalId;
    if (externalId === '') return;
    const ask = (dismissed: boolean) =>
      this.#backend.items(
        dismissed ? { externalId, dismissed } : { externalId },
        MOST,
        null,
        '-createdAt',
      );
    try {
      // A list leaves the dismissed out; here they are a part of the story.
      const pages = await Promise.all([ask(false), ask(true)]);
      if (externalId !== this.#externalId) return;
      const items: Item[] = pages.flatMap((page) => page.items);
      this.versions = versionsOf(items);
      this.shown = items.length;
      this.total = pages.reduce((sum, page) => sum + page.total, 0);
      this.phase = 'ready';
    } catch (error) {
      if (externalId !== this.#externalId) return;
      this.#onProblem(error);
      if (this.versions.length === 0) this.phase = 'error';
    }
  }
}
