// What the function of a fibre is given.
import { ContextBudget, noPollBudget, type PollBudget } from '../monitor/poll-budget.ts';

export class FibreContext {
  readonly name: string;
  readonly #units: number | undefined;
  readonly #budget = new ContextBudget();
  #controller: AbortController | undefined;
  #end: { readonly reason: unknown } | undefined;

  /** @param units of a poll; undefined: nobody counts them @internal */
  constructor(name: string, units: number | undefined) {
    this.name = name;
    this.#units = units;
  }

  /** Units that it may use up until its next yield: whatever it counts. One that is spent makes way at its next yield, and has broken a rule of its tier. Without option `budgets` it is never spent. */
  get budget(): PollBudget {
    return this.#units === undefined ? noPollBudget : this.#budget.of(this.#units);
  }

  /** Aborts when the fibre is cancelled: for what it waits for outside. Made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#end !== undefined) this.#controller.abort(this.#end.reason);
    }
    return this.#controller.signal;
  }

  /** @internal */
  cancel(reason: unknown): void {
    this.#end = { reason };
    this.#controller?.abort(reason);
  }

  /** A poll has ended. @returns whether its budget was spent @internal */
  endPoll(): boolean {
    return this.#budget.end();
  }
}
