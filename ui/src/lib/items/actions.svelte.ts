import type { BulkResult, Item, Preflight, RunAction, Selection } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import { runHref } from '../router.svelte';
import { m } from '../shared/messages';
import { reasonOf, type Notice, type NoticeMore, type Notices } from '../shell/notices.svelte';
import { rememberReason } from './reasons';
import { itemTitle } from './words';

/** More refusals than these are read on the run's own page. */
const MOST_REFUSALS = 50;

/** What is asked before it is done with many. */
export type AskedAction = Exclude<RunAction, 'restore'>;

/** A bulk action that waits for a yes. */
export interface Question {
  action: AskedAction;
  selection: Selection;
  /** How many are selected; null where only the program knows. */
  count: number | null;
}

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

/** Exactly what a run dismissed, to bring it back. */
export function undoOf(selection: Selection, result: BulkResult): Selection {
  if ('filter' in selection) return { filter: { runId: result.runId, dismissed: true } };
  const refused = new Set(result.refused.map((one) => one.id));
  return { ids: selection.ids.filter((id) => !refused.has(id)) };
}

/** The selection as of a moment, so that what failed after it is left alone; a named one is exact already. */
export function asOf(selection: Selection, at: string): Selection {
  if ('ids' in selection) return selection;
  return { filter: { asOf: at, ...selection.filter } };
}

/**
 * Of a selection by filter only what failed: of everything that is shown under
 * Activity each delivered item would be refused by name. What is named is left
 * to the program to judge.
 */
export function failedOf(selection: Selection): Selection {
  if ('ids' in selection) return selection;
  const { filter } = selection;
  const failedOnly = filter.status === 'failed' && filter.dismissed !== undefined;
  const none = filter.status !== undefined && !filter.status.split(',').includes('failed');
  if (failedOnly || none) return selection;
  return { filter: { dismissed: false, ...filter, status: 'failed' } };
}

/** How many a selection names; null where only the program knows. */
export function countOf(selection: Selection): number | null {
  return 'ids' in selection ? selection.ids.length : null;
}

/** What the actions need of the list on the screen. */
export interface ShownRows {
  get(id: string): Item | undefined;
  /** Something was done with these: what waited shows. */
  acted(selection: Selection): void;
}

/** Retry, dismiss, restore and send now, and what is said about them. */
export class ItemActions {
  /** The bulk action that waits for a yes. */
  asking = $state.raw<Question | null>(null);
  /** Grows with everything that was done here. */
  done = $state(0);

  #monitor: Monitor;
  #notices: Notices;
  #shown: ShownRows;
  /** What is under way: a double click must not count twice, but another row's button counts. */
  #running = new Set<string>();

  constructor(monitor: Monitor, notices: Notices, shown: ShownRows) {
    this.#monitor = monitor;
    this.#notices = notices;
    this.#shown = shown;
  }

  /** Queues failed items again; more than one only after a look at what it would do. */
  retry(selection: Selection, count = countOf(selection)): Promise<void> {
    return this.#ask(this.#failed('retry', selection, count));
  }

  /** Makes retrying items due now; more than one only after a yes. */
  sendNow(selection: Selection, count = countOf(selection)): Promise<void> {
    return this.#ask({ action: 'sendNow', selection, count });
  }

  /** Asks for the reason first. */
  dismiss(selection: Selection, count = countOf(selection)): void {
    this.asking = this.#failed('dismiss', selection, count);
  }

  /** Asks for the reason first. */
  askDismiss(ids: string[]): void {
    this.dismiss({ ids });
  }

  /** Brings dismissed items back. */
  async restore(selection: Selection): Promise<void> {
    const call = () => this.#monitor.backend.restore(selection);
    await this.#run('restore', selection, call, m.bulk.restored);
  }

  /** What the question's action would do. */
  plan({ action, selection }: Question): Promise<Preflight> {
    return action === 'sendNow'
      ? this.#planSendNow(selection)
      : this.#monitor.backend.preflight(selection);
  }

  /** Does what was asked about, as of a moment; without a plan as the list stood. */
  async confirm(question: Question, plan: Preflight | null, reason: string): Promise<void> {
    const selection = plan === null ? question.selection : asOf(question.selection, plan.asOf);
    const { backend } = this.#monitor;
    switch (question.action) {
      case 'retry':
        await this.#run('retry', selection, () => backend.retry(selection), m.bulk.retried);
        break;
      case 'sendNow':
        await this.#run('sendNow', selection, () => backend.sendNow(selection), m.bulk.sent);
        break;
      case 'dismiss':
        rememberReason(reason);
        await this.#run(
          'dismiss',
          selection,
          () => backend.dismiss(selection, reason),
          m.bulk.dismissed,
        );
    }
    // Another question may have been asked meanwhile.
    if (this.asking === question) this.asking = null;
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

  /** Why a call failed, in words; the page notes what it says of the connection. */
  problemOf(error: unknown): string {
    this.#monitor.noteProblem(error);
    return reasonOf(error);
  }

  /** Only of a selection that was all failed the count stands. */
  #failed(action: AskedAction, selection: Selection, count: number | null): Question {
    const failed = failedOf(selection);
    const same = 'ids' in selection || selection.filter.status === 'failed';
    return { action, selection: failed, count: same ? count : null };
  }

  async #ask(question: Question): Promise<void> {
    if (question.count === 1) await this.confirm(question, null, '');
    else this.asking = question;
  }

  /** How many of a selection go to which org: the program looks ahead only for retries. */
  async #planSendNow(selection: Selection): Promise<Preflight> {
    const { backend, orgs } = this.#monitor;
    const { serverTime } = await backend.status();
    const counts = new Map<string, number>();
    if ('ids' in selection) {
      for (const id of selection.ids) {
        const orgId = this.#shown.get(id)?.targetOrgId;
        if (orgId !== undefined) counts.set(orgId, (counts.get(orgId) ?? 0) + 1);
      }
    } else {
      for (const { orgId } of orgs) {
        const { targetOrgId } = selection.filter;
        if (targetOrgId !== undefined && targetOrgId !== orgId) continue;
        const { total } = await backend.items({ ...selection.filter, targetOrgId: orgId }, 1, null);
        if (total > 0) counts.set(orgId, total);
      }
    }
    const lines = [...counts].sort(([, a], [, b]) => b - a);
    const send = lines.reduce((sum, [, n]) => sum + n, 0);
    return {
      asOf: serverTime,
      selected: send,
      send,
      superseded: 0,
      notFailed: 0,
      notFound: 0,
      orgs: lines.map(([orgId, n]) => ({
        orgId,
        send: n,
        superseded: 0,
        heldBy: null,
        apiCalls: n,
        apiUsage: this.#monitor.org(orgId)?.apiUsage ?? null,
      })),
    };
  }

  async #run(
    name: RunAction,
    selection: Selection,
    call: () => Promise<BulkResult>,
    done: (n: number) => string,
  ): Promise<void> {
    const key = `${name} ${JSON.stringify(selection)}`;
    if (this.#running.has(key)) return;
    this.#running.add(key);
    try {
      const result = await call();
      this.#tell(name, selection, result, done);
      // The event stream says so too; not to wait for it makes the screen feel immediate.
      this.#shown.acted(selection);
      this.done += 1;
      this.#monitor.revision += 1;
      void this.#monitor.refresh();
    } catch (error) {
      this.sayProblem(error);
    } finally {
      this.#running.delete(key);
    }
  }

  #tell(
    name: RunAction,
    selection: Selection,
    result: BulkResult,
    done: (n: number) => string,
  ): void {
    const refusals = result.refused.slice(0, MOST_REFUSALS).map(({ id, message }) => {
      const row = this.#shown.get(id);
      return { id, title: row === undefined ? id : itemTitle(row), reason: message };
    });
    const many = result.changed + result.refused.length > 1;
    const link = many ? { label: m.bulk.see, href: runHref(result.runId) } : null;
    const undo = () => void this.restore(undoOf(selection, result));
    const undoable = name === 'dismiss' && result.changed > 0;
    const action = undoable ? { label: m.bulk.undo, run: undo } : null;
    const kind = refusals.length > 0 ? 'refused' : 'done';
    this.say(kind, bulkSentence(result, done), { refusals, link, action });
  }
}
