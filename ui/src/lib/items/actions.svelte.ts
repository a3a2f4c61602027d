import type { BulkResult, Selection } from '../backend/backend';
import { Problem } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import { m } from '../shared/messages';

/** What a bulk action came to, in one sentence. */
export function bulkSentence(result: BulkResult, done: (n: number) => string): string {
  const parts: string[] = [];
  if (result.changed > 0 || result.refused.length === 0) parts.push(done(result.changed));
  if (result.refused.length > 0) {
    const reasons = [...new Set(result.refused.map((one) => one.reason))];
    parts.push(m.bulk.refused(result.refused.length, reasons.join('; ')));
  }
  return parts.join(', ');
}

/** A short message to the user. */
export interface Notice {
  kind: 'done' | 'refused' | 'error';
  text: string;
}

/** Retry, dismiss and restore, and what is said about them. */
export class ItemActions {
  notice = $state.raw<Notice | null>(null);
  /** What the dismiss dialog is open for. */
  dismissing = $state.raw<{ ids: string[] } | null>(null);

  #monitor: Monitor;
  /** True while an action is under way: a double click must not count twice. */
  #busy = false;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  /** Queues failed items again. */
  retry(selection: Selection): Promise<void> {
    return this.#run(() => this.#monitor.backend.retry(selection), m.bulk.retried);
  }

  /** Brings dismissed items back. */
  restore(selection: Selection): Promise<void> {
    return this.#run(() => this.#monitor.backend.restore(selection), m.bulk.restored);
  }

  /** Asks for the reason first; {@link confirmDismiss} goes on. */
  askDismiss(ids: string[]): void {
    this.dismissing = { ids };
  }

  /** Dismisses what the dialog is open for. */
  async confirmDismiss(reason: string): Promise<void> {
    const selection = this.dismissing;
    this.dismissing = null;
    if (selection === null) return;
    await this.#run(() => this.#monitor.backend.dismiss(selection, reason), m.bulk.dismissed);
  }

  /** Says something to the user. */
  say(kind: Notice['kind'], text: string): void {
    this.notice = { kind, text };
  }

  /** Says that a call failed, and why. */
  sayProblem(error: unknown): void {
    this.#monitor.noteProblem(error);
    const unreachable = error instanceof Problem && error.unreachable;
    const why = unreachable ? m.bulk.unreachable : error instanceof Error ? error.message : '';
    this.say('error', m.bulk.failed(why));
  }

  async #run(call: () => Promise<BulkResult>, done: (n: number) => string): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const result = await call();
      this.say(result.refused.length > 0 ? 'refused' : 'done', bulkSentence(result, done));
      // The event stream says so too; not to wait for it makes the screen feel immediate.
      this.#monitor.revision += 1;
      void this.#monitor.refresh();
    } catch (error) {
      this.sayProblem(error);
    } finally {
      this.#busy = false;
    }
  }
}
