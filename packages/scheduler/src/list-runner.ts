// In a worker: a task for many arguments in one slot. It is run for each, one after the other, and the result is the list of results.
import { uninterrupted } from './checkpoints/checkpoint.ts';
import type { Monitor } from './monitor/monitor.ts';
import { runAsync, type Resumable, type TaskGenerator } from './generator-tasks.ts';
import { pendingKind } from './pending-result.ts';
import { isGoOn, StepRun } from './steps.ts';
import type { RunContext } from './task-context.ts';
import type { Runnable } from './task-loader.ts';

/**
 * A task as one for a list of its arguments. A throw ends the list; so does a client that waits no longer.
 * @param monitor for which each element is a poll, where they are watched
 */
export function forList(run: Runnable, monitor: Monitor | undefined): Runnable {
  return (items, context) => runFrom(run, items as readonly unknown[], 0, [], context as RunContext, monitor);
}

/**
 * @param monitor undefined: nobody watches, or it is not known when this began to run
 * @returns the results, or a promise of them where one of them is not there at once
 */
function runFrom(
  run: Runnable,
  items: readonly unknown[],
  from: number,
  results: unknown[],
  context: RunContext,
  monitor: Monitor | undefined,
): unknown[] | Promise<unknown[]> {
  for (let i = from; i < items.length && !context.cancelled(); i++) {
    if (i > 0) monitor?.goOnWith(context);
    context.polls.begin(context.slot); // of each element one; who called this ends the last one
    const value = resultOf(run, run(items[i], context), context);
    if (value instanceof Promise)
      return value.then((each: unknown) => {
        results.push(each);
        try {
          return runFrom(run, items, i + 1, results, context, undefined);
        } finally {
          context.polls.end();
        }
      });
    results.push(value);
  }
  return results;
}

/** @returns what a task has returned, or a promise of what it will return in the end */
function resultOf(run: Runnable, returned: unknown, context: RunContext): unknown {
  const kind = typeof returned === 'object' && returned !== null ? pendingKind(returned) : undefined;
  if (kind === undefined) return returned;
  if (kind === 'generator') return runToEnd(returned as TaskGenerator, context);
  // The last of the steps may be asynchronous.
  if (kind === 'step')
    return resultOf(run, runToEnd(new StepRun(run, context, returned as object), context), context);
  if (kind === 'async generator')
    return runAsync(returned as AsyncGenerator<unknown, unknown, undefined>, context);
  return Promise.resolve(returned).then((value: unknown) => {
    if (typeof value !== 'object' || value === null || !isGoOn(value)) return value;
    try {
      return resultOf(run, value, context);
    } finally {
      context.polls.end();
    }
  });
}

/** Within a list, generators and steps make way for nobody. */
function runToEnd(generator: Resumable, context: RunContext): unknown {
  for (;;) {
    context.polls.begin(context.slot);
    const { done, value } = generator.next();
    if (done === true) return value;
    if (!context.cancelled()) continue;
    uninterrupted(() => generator.return(undefined));
    return undefined;
  }
}
