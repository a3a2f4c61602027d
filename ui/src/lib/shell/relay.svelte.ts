import type { Backend } from '../backend/backend';
import type { Monitor } from '../monitor.svelte';
import { m } from '../shared/messages';
import type { Notices } from './notices.svelte';

/** For how long the relay can be paused. */
export const PAUSES = ['quarter', 'hour', 'tomorrow', 'open'] as const;

/** One of {@link PAUSES}. */
export type Pause = (typeof PAUSES)[number];

const MINUTE_MS = 60_000;
/** "Tomorrow" is when people are back at work. */
const MORNING = 8;

/** When a pause that begins now ends; null: when it is resumed. */
export function pauseEnd(pause: Pause, now: number): string | null {
  switch (pause) {
    case 'quarter':
      return new Date(now + 15 * MINUTE_MS).toISOString();
    case 'hour':
      return new Date(now + 60 * MINUTE_MS).toISOString();
    case 'tomorrow': {
      const day = new Date(now);
      day.setDate(day.getDate() + 1);
      day.setHours(MORNING, 0, 0, 0);
      return day.toISOString();
    }
    case 'open':
      return null;
  }
}

/** Pausing the whole relay, and letting it go on. */
export class RelayActions {
  #backend: Backend;
  #monitor: Monitor;
  #notices: Notices;

  constructor(monitor: Monitor, notices: Notices) {
    this.#backend = monitor.backend;
    this.#monitor = monitor;
    this.#notices = notices;
  }

  /** Holds everything until a time, or until it is resumed. */
  pause(until: string | null): Promise<void> {
    return this.#run(() => this.#backend.pauseRelay(until), m.relay.pausedSaid);
  }

  /** Sends again what was held. */
  resume(): Promise<void> {
    return this.#run(() => this.#backend.resumeRelay(), m.relay.resumedSaid);
  }

  async #run(call: () => Promise<unknown>, said: string): Promise<void> {
    try {
      await call();
      this.#notices.say('done', said);
      this.#monitor.revision += 1;
      await this.#monitor.refresh();
    } catch (error) {
      this.#monitor.noteProblem(error);
      this.#notices.sayProblem(error);
    }
  }
}
