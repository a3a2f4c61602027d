/**
 * Runs a refresh one at a time. Requests that come while one runs are answered
 * by one more run afterwards, and runs keep a distance, so that a burst of
 * changes costs a few requests and the last state is always fetched.
 */
export class Refresher {
  #work: () => Promise<void>;
  #gapMs: number;
  #running: Promise<void> | null = null;
  #again = false;

  constructor(work: () => Promise<void>, gapMs = 300) {
    this.#work = work;
    this.#gapMs = gapMs;
  }

  /** Asks for a refresh; resolves when the data is no older than this call. */
  request(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loop().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      await this.#work();
      if (this.#again) await new Promise((resolve) => setTimeout(resolve, this.#gapMs));
    } while (this.#again);
  }
}
