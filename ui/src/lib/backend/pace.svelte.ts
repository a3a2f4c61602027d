import type { Backend } from './backend';

/** From so long on an answer is slow. */
export const SLOW_MS = 2000;

/** The calls that only read what the store holds: they take milliseconds when all is well. */
const QUICK = new Set<PropertyKey>([
  'status',
  'orgs',
  'routes',
  'items',
  'item',
  'workItems',
  'failures',
  'stats',
  'runs',
  'run',
  'activity',
  'tokens',
  'settings',
] satisfies (keyof Backend)[]);

/** Whether the program answers in time. */
export class Pace {
  /** True from when an answer is overdue until one comes in time. */
  slow = $state(false);

  #late = 0;
  #onSlow: () => void;

  /** @param onSlow called when an answer becomes overdue, to ask again for one that comes in time */
  constructor(onSlow: () => void = () => undefined) {
    this.#onSlow = onSlow;
  }

  /** The same backend, with an eye on how long its answers take. */
  watch(backend: Backend): Backend {
    return new Proxy(backend, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function' || !QUICK.has(name)) return member;
        return (...args: unknown[]) => this.#timed(member.apply(target, args) as Promise<unknown>);
      },
    });
  }

  async #timed<T>(call: Promise<T>): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#late += 1;
      this.slow = true;
      this.#onSlow();
    }, SLOW_MS);
    try {
      return await call;
    } finally {
      clearTimeout(timer);
      if (late) this.#late -= 1;
      else if (this.#late === 0) this.slow = false;
    }
  }
}
