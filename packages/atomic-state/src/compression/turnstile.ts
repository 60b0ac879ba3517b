// Lets so many through at a time; others wait in line. Inflating runs on Node's thread pool, which file system and DNS share: whoever may
// start any number of inflations holds it.
export type Passage = 'in' | 'full' | 'late';

interface Waiting {
  admit: () => void;
}

export class Turnstile {
  readonly #maxInside: number;
  readonly #maxWaiting: number;
  readonly #line = new Set<Waiting>();
  #inside = 0;

  constructor(maxInside: number, maxWaiting: number) {
    this.#maxInside = maxInside;
    this.#maxWaiting = maxWaiting;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /**
   * `in` is to be followed by {@link leave}. `full`: too many wait already; `late`: the time was over before its turn.
   * @throws the signal's reason
   */
  async enter(timeoutMs: number, signal: AbortSignal | undefined): Promise<Passage> {
    if (this.#inside < this.#maxInside) {
      this.#inside++;
      return 'in';
    }
    if (this.#line.size >= this.#maxWaiting) return 'full';
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const waiting: Waiting = { admit: () => undefined };
    try {
      return await new Promise<Passage>((resolve, reject) => {
        waiting.admit = () => resolve('in');
        this.#line.add(waiting);
        // Out of the line at once: whoever leaves before this function goes on would give it a place that nobody leaves.
        timer = setTimeout(() => {
          this.#line.delete(waiting);
          resolve('late');
        }, timeoutMs);
        onAbort = () => {
          this.#line.delete(waiting);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', onAbort);
      });
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  leave(): void {
    const [first] = this.#line;
    if (first === undefined) {
      this.#inside--;
      return;
    }
    // The place goes straight to the next one.
    this.#line.delete(first);
    first.admit();
  }
}
