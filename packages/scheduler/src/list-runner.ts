// In a worker: a task for many arguments in one slot. It is run for each, one after the other, and the result is the list of results.
import { runAsync, type TaskGenerator } from './generator-tasks.ts';
import { pendingKind } from './pending-result.ts';
import type { RunContext } from './task-context.ts';
import type { Runnable } from './task-loader.ts';

/** A task as one for a list of its arguments. A throw ends the list; so does a client that waits no longer. */
export function forList(run: Runnable): Runnable {
  return (items, context) => runFrom(run, items as readonly unknown[], 0, [], context as RunContext);
}

/** @returns the results, or a promise of them where one of them is not there at once */
function runFrom(
  run: Runnable,
  items: readonly unknown[],
  from: number,
  results: unknown[],
  context: RunContext,
): unknown[] | Promise<unknown[]> {
  for (let i = from; i < items.length && !context.cancelled(); i++) {
    const result = run(items[i], context);
    const kind = typeof result === 'object' && result !== null ? pendingKind(result) : undefined;
    if (kind === undefined) results.push(result);
    else if (kind === 'generator') results.push(runToEnd(result as TaskGenerator, context));
    else {
      const value =
        kind === 'promise'
          ? Promise.resolve(result)
          : runAsync(result as AsyncGenerator<unknown, unknown, undefined>, context);
      return value.then((each) => {
        results.push(each);
        return runFrom(run, items, i + 1, results, context);
      });
    }
  }
  return results;
}

/** Within a list a generator makes way for nobody. */
function runToEnd(generator: TaskGenerator, context: RunContext): unknown {
  for (;;) {
    const { done, value } = generator.next();
    if (done === true) return value;
    if (!context.cancelled()) continue;
    generator.return(undefined);
    return undefined;
  }
}
