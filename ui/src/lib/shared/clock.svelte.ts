import { createSubscriber } from 'svelte/reactivity';

/** A time that moves on in steps, but only while something reads it and the page is visible. */
class Ticker {
  #time = Date.now();
  #tell: () => void = () => undefined;
  #subscribe: () => void;

  constructor(everyMs: number) {
    this.#subscribe = createSubscriber((update) => {
      this.#tell = update;
      let timer: ReturnType<typeof setInterval> | undefined;
      const tick = () => {
        this.#time = Date.now();
        update();
      };
      const follow = () => {
        clearInterval(timer);
        if (document.visibilityState === 'hidden') return;
        tick();
        timer = setInterval(tick, everyMs);
      };
      this.#time = Date.now();
      if (document.visibilityState !== 'hidden') timer = setInterval(tick, everyMs);
      document.addEventListener('visibilitychange', follow);
      return () => {
        clearInterval(timer);
        document.removeEventListener('visibilitychange', follow);
        this.#tell = () => undefined;
      };
    });
  }

  /** This computer's time at the last step. */
  get time(): number {
    this.#subscribe();
    return this.#time;
  }

  /** Tells everyone who reads it to look again. */
  tell(): void {
    this.#tell();
  }
}

/**
 * The one clock of the page. It ticks only while something on the screen reads
 * it and the page is visible, so that an idle or hidden window costs nothing.
 */
export class Clock {
  #skew = 0;
  #seconds = new Ticker(1000);
  #coarse = new Ticker(15_000);

  /** The program's time now, for countdowns; reading it in a component keeps the clock going. */
  get now(): number {
    return this.#seconds.time + this.#skew;
  }

  /** The program's time some seconds ago, for what is said in minutes. */
  get coarse(): number {
    return this.#coarse.time + this.#skew;
  }

  /** The program's time now, without starting the clock. */
  peek(): number {
    return Date.now() + this.#skew;
  }

  /** Takes the program's word for what time it is. */
  correct(serverTime: string): void {
    const parsed = Date.parse(serverTime);
    if (Number.isNaN(parsed)) return;
    const skew = parsed - Date.now();
    // The answer's travel time would make every countdown jitter by itself.
    if (Math.abs(skew - this.#skew) < 750) return;
    this.#skew = skew;
    this.#seconds.tell();
    this.#coarse.tell();
  }
}

/** The clock shared by the whole page. */
export const clock = new Clock();
