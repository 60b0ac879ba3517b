// A counter that follows a figure which somebody else adds up: the time that a process has used, say.
import type { Counter } from '../counter.ts';

export class Accumulated {
  readonly #counter: Counter;
  #last: number;

  /** @param counted what of the figure has been counted, or is not to be, in steps; NaN where that is not known */
  constructor(counter: Counter, counted: number) {
    this.#counter = counter;
    this.#last = counted;
  }

  /** @param steps the figure as it is now, an integer; one below the last is not counted, nor is one that is not known (NaN) */
  follow(steps: number): void {
    // From what the first figure is that is known.
    if (Number.isNaN(this.#last)) this.#last = steps;
    if (!(steps > this.#last)) return;
    this.#counter.inc(steps - this.#last);
    this.#last = steps;
  }
}
