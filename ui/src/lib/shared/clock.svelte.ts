import { createSubscriber } from 'svelte/reactivity';

/**
 * The one clock of all countdowns. It ticks each second, but only while
 * something on the screen reads it and the page is visible, so that an idle or
 * hidden window costs nothing.
 */
export class Clock {
  #skew = 0;
  #time = Date.now();
  #tell: () => void = () => undefined;
  #subscribe = createSubscriber((update) => {
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
      timer = setInterval(tick, 1000);
    };
    this.#time = Date.now();
    if (document.visibilityState !== 'hidden') timer = setInterval(tick, 1000);
    document.addEventListener('visibilitychange', follow);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', follow);
      this.#tell = () => undefined;
    };
  });

  /** The program's time now; reading it in a component keeps the clock going. */
  get now(): number {
    this.#subscribe();
    return this.#time + this.#skew;
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
    this.#tell();
  }
}

/** The clock shared by the whole page. */
export const clock = new Clock();
