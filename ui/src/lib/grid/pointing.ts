/** How long after its last movement a pointer counts as resting. */
const REST_MS = 2000;

/**
 * Tells whether somebody is about to click: from a movement of the pointer on,
 * until it has rested for a while or left. A pointer that was left lying on a
 * list must not stop its updates for ever.
 */
export class Pointing {
  #tell: (on: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(tell: (on: boolean) => void) {
    this.#tell = tell;
  }

  /** The pointer moved. */
  moved(): void {
    if (this.#timer === null) this.#tell(true);
    else clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.left(), REST_MS);
  }

  /** The pointer left. */
  left(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#tell(false);
  }
}
