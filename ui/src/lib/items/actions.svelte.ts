import type { BulkResult, Selection } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import { m } from '../shared/messages';
import type { Notice, NoticeMore, Notices } from '../shell/notices.svelte';

/** What a bulk action came to, in one sentence. */
export function bulkSentence(result: BulkResult, done: (n: number) => string): string {
  const parts: string[] = [];
  if (result.changed > 0 || result.refused.length === 0) parts.push(done(result.changed));
  if (result.refused.length > 0) {
    const reasons = [...new Set(result.refused.map((one) => one.message))];
    parts.push(m.bulk.refused(result.refused.length, reasons.join('; ')));
  }
  return parts.join(', ');
}

/** Retry, dismiss and restore, and what is said about them. */
export class ItemActions {
  /** What the dismiss dialog is open for. */
  dismissing = $state.raw<{ ids: string[] } | null>(null);

  #monitor: Monitor;
  #notices: Notices;
  #titleOf: (id: string) => string;
  /** What is under way: a double click must not count twice, but another row's button counts. */
  #running = new Set<string>();

  constructor(monitor: Monitor, notices: Notices, titleOf: (id: string) => string) {
    this.#monitor = monitor;
    this.#notices = notices;
    this.#titleOf = titleOf;
  }

  /** Queues failed items again. */
  retry(selection: Selection): Promise<void> {
    const call = () => this.#monitor.backend.retry(selection);
    return this.#run('retry', selection, call, m.bulk.retried);
  }

  /** Brings dismissed items back. */
  restore(selection: Selection): Promise<void> {
    const call = () => this.#monitor.backend.restore(selection);
    return this.#run('restore', selection, call, m.bulk.restored);
  }

  /** Sends what waits for its next attempt now. */
  sendNow(selection: Selection): Promise<void> {
    const call = () => this.#monitor.backend.sendNow(selection);
    return this.#run('sendNow', selection, call, m.bulk.sentNow);
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
    const call = () => this.#monitor.backend.dismiss(selection, reason);
    await this.#run('dismiss', selection, call, m.bulk.dismissed);
  }

  /** Says something to the user. */
  say(kind: Notice['kind'], text: string, more: NoticeMore = {}): void {
    this.#notices.say(kind, text, more);
  }

  /** Says that a call failed, and why. */
  sayProblem(error: unknown): void {
    this.#monitor.noteProblem(error);
    this.#notices.sayProblem(error);
  }

  async #run(
    name: string,
    selection: Selection,
    call: () => Promise<BulkResult>,
    done: (n: number) => string,
  ): Promise<void> {
    const key = `${name} ${JSON.stringify(selection)}`;
    if (this.#running.has(key)) return;
    this.#running.add(key);
    try {
      const result = await call();
      const refusals = result.refused.map(({ id, message }) => ({
        id,
        title: this.#titleOf(id),
        reason: message,
      }));
      const kind = refusals.length > 0 ? 'refused' : 'done';
      this.say(kind, bulkSentence(result, done), { refusals });
      // The event stream says so too; not to wait for it makes the screen feel immediate.
      this.#monitor.revision += 1;
      void this.#monitor.refresh();
    } catch (error) {
      this.sayProblem(error);
    } finally {
      this.#running.delete(key);
    }
  }
}
