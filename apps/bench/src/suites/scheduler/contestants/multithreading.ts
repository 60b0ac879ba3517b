import { initRuntime, move, shutdown, spawn } from 'multithreading';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

/** Its promises lie in a ring of as many: one more task, and the first is forgotten without a word. */
const MOST_PENDING = 65_536;

// Functions go as their source, which is looked up at every task: short ones, that import nothing and look the same as those of work.ts.
const double = (n: number): number => 2 * n;
// In an array: for a view of shared memory itself it would write a warning at every task.
const digest = ([bytes]: [Uint8Array]): string =>
  process.getBuiltinModule('node:crypto').hash('sha256', bytes);
const whoRuns = (): number => process.getBuiltinModule('node:worker_threads').threadId;
const holdWhile = (path: string): number => {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (process.getBuiltinModule('node:fs').existsSync(path)) Atomics.wait(nap, 0, 0, 2);
  return process.getBuiltinModule('node:worker_threads').threadId;
};

async function call<Argument, Result>(
  argument: Argument,
  task: (argument: Argument) => Result,
): Promise<Result> {
  const outcome = await spawn(move(argument), task).join();
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

export function startMultithreading({ threads }: ContestantOptions): Contestant {
  initRuntime({ maxWorkers: threads });
  return {
    double: (n) => call(n, double),
    digest: (payload) => call([payload] as [Uint8Array], digest),
    whoRuns: (n) => call(n, whoRuns),
    holdWhile: (path) => call(path, holdWhile),
    allocate: sharedBytes,
    mostPending: MOST_PENDING,
    close: () => shutdown(),
  };
}
