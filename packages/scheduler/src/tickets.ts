// Who waits for the task in a slot: the two ends of its promise, and terms where it has some. By slot.
import type { TaskTerms } from './task-terms.ts';

export type Settle = (value: unknown) => void;

/** Settles a promise, or calls somebody's function: what that throws is an uncaught exception, and the caller goes on. */
export function settle(end: Settle | undefined, value: unknown): void {
  try {
    end?.(value);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

export class Tickets {
  readonly #resolve: (Settle | undefined)[] = [];
  readonly #reject: (Settle | undefined)[] = [];
  readonly #terms: (TaskTerms | undefined)[] = [];
  /** Most tasks have none: then the array is not looked at. */
  #withTerms = 0;

  set(slot: number, resolve: Settle, reject: Settle, terms: TaskTerms | undefined): void {
    this.#resolve[slot] = resolve;
    this.#reject[slot] = reject;
    if (terms === undefined) return;
    terms.slot = slot;
    this.#terms[slot] = terms;
    this.#withTerms++;
  }

  /** Undefined where nobody waits any more. */
  resolveOf(slot: number): Settle | undefined {
    return this.#resolve[slot];
  }

  rejectOf(slot: number): Settle | undefined {
    return this.#reject[slot];
  }

  termsOf(slot: number): TaskTerms | undefined {
    return this.#withTerms === 0 ? undefined : this.#terms[slot];
  }

  /** Its task has ended, or is wanted no more. */
  delete(slot: number): void {
    this.#resolve[slot] = undefined;
    this.#reject[slot] = undefined;
    if (this.termsOf(slot) === undefined) return;
    this.#terms[slot] = undefined;
    this.#withTerms--;
  }

  /** Slots that somebody waits for. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#reject.length; slot++) if (this.#reject[slot] !== undefined) yield slot;
  }
}
