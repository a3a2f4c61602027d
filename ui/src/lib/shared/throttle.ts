/**
 * Passes values on, but no oftener than once per interval: the first at once,
 * and at the end of the interval whatever came last.
 */
export class Throttle<T> {
  #pass: (value: T) => void;
  #gapMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #waiting: { value: T } | null = null;

  constructor(pass: (value: T) => void, gapMs: number) {
    this.#pass = pass;
    this.#gapMs = gapMs;
  }

  /** Takes the newest value. */
  push(value: T): void {
    if (this.#timer !== null) {
      this.#waiting = { value };
      return;
    }
    this.#pass(value);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const next = this.#waiting;
      this.#waiting = null;
      if (next !== null) this.push(next.value);
    }, this.#gapMs);
  }

  /** Drops what waits; the next value passes at once. */
  reset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = null;
  }
}
