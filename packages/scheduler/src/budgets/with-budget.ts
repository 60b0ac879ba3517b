// Functions on the event loop of any thread that make way for the rest of it.
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { Budget } from './loop-budget.ts';
import { LoopBudgets, type RunWithBudgetOptions } from './loop-budgets.ts';

export interface WithBudgetOptions extends RunWithBudgetOptions {
  /** By default those of this thread, which `threadBudgets()` returns. */
  readonly budgets?: LoopBudgets;
}

/** Of this thread: made when it is first asked for. */
let ofThread: LoopBudgets | undefined;

/** What `withBudget` keeps of the names of this thread, where it is told nothing else: their tiers, counts, and the hooks. */
export function threadBudgets(): LoopBudgets {
  return (ofThread ??= new LoopBudgets());
}

/**
 * Runs a function that says how much it does, and makes way for the rest of the event loop when that is enough.
 * ```
 * await withBudget(async (budget) => {
 *   for (const each of list) {
 *     handle(each);
 *     budget.consume();
 *     await budget.yieldIfSpent();
 *   }
 * }, { name: 'import' });
 * ```
 * @returns what it returns. Rejects as it does, with `signal.reason`, and with ArgumentRangeError
 */
export async function withBudget<R>(
  run: (budget: Budget) => R | PromiseLike<R>,
  options: WithBudgetOptions = {},
): Promise<Awaited<R>> {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError('options', options, 'an object');
  const { budgets = threadBudgets(), ...others } = options;
  if (!(budgets instanceof LoopBudgets)) throw new ArgumentRangeError('budgets', budgets, 'a LoopBudgets');
  return budgets.run(run, others);
}
