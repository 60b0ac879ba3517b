// What a task is told of its budget, and may take from it.
import { TaskBudget } from '../budgets/task-budget.ts';

/** Units that a task may use up in one poll: whatever it counts. It is full again with the next poll. */
export interface PollBudget {
  /** Takes units from what is left; where there are fewer, all that are. @returns whether there were enough. @throws ArgumentRangeError for less than 0 */
  consume(units?: number): boolean;
  /** Whether nothing is left: a poll that ends like that is a violation. */
  readonly isSpent: boolean;
  /** Units that are left. */
  readonly remaining: number;
}

/** Where nobody watches budgets. */
export const noPollBudget: PollBudget = Object.freeze({
  consume: () => true,
  isSpent: false,
  remaining: Infinity,
});

/** Of a context: there where its task has asked for it. */
export class ContextBudget {
  #units = 0;
  #budget: TaskBudget | undefined;
  #isAsked = false;

  /** @param units of a poll */
  of(units: number): PollBudget {
    if (this.#budget === undefined || this.#units !== units) {
      this.#budget = new TaskBudget(new Int32Array(4), 0, { pollBudget: units });
      this.#units = units;
    }
    this.#isAsked = true;
    return this.#budget;
  }

  get isSpent(): boolean {
    return this.#isAsked && this.#budget?.isSpent === true;
  }

  /** A poll has ended. @returns whether it has spent the budget, which is full again */
  end(): boolean {
    if (!this.#isAsked || this.#budget === undefined) return false;
    const { isSpent } = this.#budget;
    this.#budget.reset();
    return isSpent;
  }

  /** Its task has ended: the next one has not asked yet. */
  release(): void {
    this.#isAsked = false;
  }
}
