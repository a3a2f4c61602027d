import { Problem } from '../backend/backend';
import { m } from '../shared/messages';

/** One item that an action was refused for. */
export interface Refusal {
  id: string;
  /** What to call the item. */
  title: string;
  reason: string;
}

/** A short message to the user. */
export interface Notice {
  /** Tells messages apart that say the same. */
  id: number;
  kind: 'done' | 'refused' | 'error';
  text: string;
  refusals: Refusal[];
  /** Where to see more. */
  link: { label: string; href: string } | null;
  /** What can still be done about it; it is gone with the message. */
  action: { label: string; run: () => void } | null;
}

/** What a message may have beyond its words. */
export type NoticeMore = Partial<Pick<Notice, 'refusals' | 'link' | 'action'>>;

/** So many are shown at once; older ones give way. */
const MOST = 3;
/** Good news goes by itself after so long. */
const LASTS_MS = 8000;
/** What can be undone can be undone for so long. */
const UNDO_MS = 10_000;

/** How long a message stays by itself; null: until it is closed, since it says what went wrong. */
export function lastsMs(notice: Pick<Notice, 'kind' | 'action'>): number | null {
  if (notice.kind !== 'done') return null;
  return notice.action === null ? LASTS_MS : UNDO_MS;
}

/** Why a call failed, in words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem && error.unreachable) return m.bulk.unreachable;
  return error instanceof Error ? error.message : '';
}

/** The messages on the screen, oldest first. */
export class Notices {
  all = $state.raw<Notice[]>([]);

  #last = 0;

  /** Says something to the user. */
  say(kind: Notice['kind'], text: string, more: NoticeMore = {}): void {
    this.#last += 1;
    const notice = { id: this.#last, kind, text, refusals: [], link: null, action: null, ...more };
    this.all = [...this.all, notice].slice(-MOST);
  }

  /** Says that a call failed, and why. */
  sayProblem(error: unknown): void {
    this.say('error', m.bulk.failed(reasonOf(error)));
  }

  /** Takes a message away. */
  close(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}
