// A contestant in a process of its own, as a case or as a scenario of a group.
import { Companion } from '../../companion.ts';
import type { BatchCase, BatchResult, Metric, Role, Scenario } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { ContestantOptions } from './contestant.ts';
import { type ContestantName, LIBRARIES } from './contestants.ts';
import type { PoolLoad, PoolRequest, RunAnswer, StartAnswer } from './pool-process.ts';

/** CPU time of the process with all its threads, for each task. */
export const CPU = 'cpu';

export const SCHEDULER = 'scheduler';

/** Those that a fresh process is started of. */
export const RIVALS = [...LIBRARIES, 'port'] as const satisfies readonly ContestantName[];

const NOTES: Readonly<Partial<Record<ContestantName, string>>> = {
  scheduler: 'arguments are copied into the slot of their task',
  'scheduler, lowLatency': 'the client looks for results in the microtask queue, too',
  'scheduler, callbacks': 'submit: without promises',
  'scheduler, runMany': 'half of what is in flight in one list, half in another',
  'scheduler, shared': 'bytes lie in memory that the workers have: where they lie is passed, as two numbers',
  'scheduler, budgets': 'option budgets: polls are watched',
  'scheduler, budgets and hooks': 'and all four hooks are called, which count',
  'scheduler, budgets, hooks, watchdog':
    'and a watchdog that would end a worker after 10 s, on a thread of its own',
  piscina: "5.3.2: atomics 'sync', concurrentTasksPerWorker 1024, recordTiming false",
  tinypool: '2.2.0: useAtomics, concurrentTasksPerWorker 1024, a queue that shifts in constant time',
  workerpool:
    "10.0.3: workerType 'thread', a queue that shifts in constant time; it has one task under way on each worker",
  poolifier: '5.3.2: enableEvents false, enableTasksQueue false: tasks go to the least used worker at once',
  multithreading: '0.3.52: maxWorkers',
  'jest-worker':
    "30.5.1: enableWorkerThreads, workerSchedulingPolicy 'in-order'; it has one task under way on each worker",
  port: 'by hand: a message for each task and for each result, workers in turn; bytes lie in a SharedArrayBuffer',
  'port, cloned': 'the same; bytes lie in ordinary memory',
  'port, batched':
    'by hand: a message for all tasks of a turn of the event loop (setImmediate; per tick it was slower), and one for their results',
  'call, no thread': 'await of the function: what tasks must be larger than',
};

/** Tasks of one lane in a batch at least: a batch is no burst into an idle pool. */
const BURST = 16;

/** So many, one at a time, have ten beyond their 99th percentile. */
const SINGLE_BATCH = 1024;
const PAYLOAD_BURST = 4;

function batchOf(load: PoolLoad, inFlight: number): number {
  if (load === 'digests') return inFlight * PAYLOAD_BURST;
  return inFlight === 1 ? SINGLE_BATCH : inFlight * BURST;
}

function roleOf(name: ContestantName): Exclude<Role, 'empty'> {
  return name.startsWith('scheduler') ? 'ours' : 'peer';
}

function startProcess(): Companion {
  return Companion.start('suites/scheduler/pool-process');
}

function noteOf(name: ContestantName): { note?: string } {
  const note = NOTES[name];
  return note === undefined ? {} : { note };
}

/** Throughput, or with one task at a time latency, of a contestant that stays for the whole group. */
export function poolCase(
  name: ContestantName,
  load: Exclude<PoolLoad, 'paced'>,
  options: ContestantOptions,
): BatchCase {
  const held = new Held<{ readonly companion: Companion; successful: number }>();
  return {
    name,
    role: roleOf(name),
    ...noteOf(name),
    opsPerBatch: batchOf(load, options.inFlight),
    async setup() {
      const companion = startProcess();
      held.set({ companion, successful: 0 });
      await companion.request<StartAnswer>({ type: 'start', name, ...options } satisfies PoolRequest);
    },
    async batch(operations): Promise<BatchResult> {
      const state = held.get();
      const { successful, elapsedNs, cpuNs, latencies } = await state.companion.request<RunAnswer>({
        type: 'run',
        load,
        operations,
      } satisfies PoolRequest);
      state.successful += successful;
      return {
        successful,
        elapsedNs,
        metrics: {
          [CPU]: { value: cpuNs / operations, unit: 'ns' },
          ...(options.inFlight === 1 && load === 'doubles' ? latencies : {}),
        },
      };
    },
    check({ operations }) {
      const { successful } = held.get();
      return successful === operations ? undefined : `${successful} of ${operations} results were right`;
    },
    teardown: () => held.take()?.companion[Symbol.dispose](),
  };
}

interface Ask {
  readonly companion: Companion;
  readonly started: StartAnswer;
  readonly quick: boolean;
}

interface Outcome {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly successful: number;
  readonly expected: number;
}

/** A contestant that is started anew, in a process of its own, for each run. */
export function poolScenario(
  name: ContestantName,
  options: ContestantOptions,
  ask: (what: Ask) => Promise<Outcome>,
): Scenario {
  let wrong: string | undefined;
  return {
    name,
    role: roleOf(name),
    ...noteOf(name),
    async run({ quick }) {
      using companion = startProcess();
      const request: PoolRequest = { type: 'start', name, ...options };
      const started = await companion.request<StartAnswer>(request);
      const { metrics, successful, expected } = await ask({ companion, started, quick });
      wrong = successful === expected ? undefined : `${successful} of ${expected} results were right`;
      await companion.request<null>({ type: 'close' } satisfies PoolRequest);
      return metrics;
    },
    check: () => wrong,
  };
}
