// How far three kinds of work scale with the workers of @corelane/scheduler on this machine:
//   node --conditions=@corelane/source examples/capacity.ts [compute | batch | lock]…
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { measureCapacity, type Estimate } from '@corelane/perf-tools/capacity';
import { defineTasks, Scheduler } from '@corelane/scheduler';

const WINDOW_MS = 300;
const PART_MS = 4;
const PARTS = 24;
const COMMIT_MS = 12;
const LOCK_MS = 1;

const never = new Int32Array(new SharedArrayBuffer(4));

/** Of each worker. Not a loop in JavaScript: how fast that is depends on when V8 compiles it with which of its compilers. */
const block = Buffer.alloc(1 << 20, 'corelane');

/** What a worker does while a disk or another service works: no CPU time passes. */
function wait(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

export const tasks = defineTasks(import.meta.url, {
  compute: (): string => createHash('sha256').update(block).digest('hex'),
  wait,
  /** Waits alone, then once more while nobody else may. */
  locked: (lock: SharedArrayBuffer): void => {
    wait(PART_MS);
    const word = new Int32Array(lock);
    while (Atomics.exchange(word, 0, 1) === 1) Atomics.wait(word, 0, 1);
    wait(LOCK_MS);
    Atomics.store(word, 0, 0);
    Atomics.notify(word, 0, 1);
  },
});

type Work = (scheduler: Scheduler) => Promise<unknown>;

const lock = new SharedArrayBuffer(4);
const WORKLOADS: Readonly<
  Record<string, { readonly what: string; readonly workers: readonly number[]; readonly work: Work }>
> = {
  compute: {
    what: 'SHA-256 of a megabyte, nothing shared',
    workers: [1, 2, 3, 4],
    work: (scheduler) => scheduler.run(tasks.compute),
  },
  batch: {
    what: `${PARTS} parts of ${PART_MS} ms of waiting, side by side, then ${COMMIT_MS} ms for all of them: σ should be ${(COMMIT_MS / (PARTS * PART_MS + COMMIT_MS)).toFixed(3)}`,
    workers: [1, 2, 3, 4, 8, 12],
    work: async (scheduler) => {
      await scheduler.runMany(tasks.wait, Array<number>(PARTS).fill(PART_MS), { chunk: 1 });
      await scheduler.run(tasks.wait, COMMIT_MS);
    },
  },
  lock: {
    what: `${PART_MS} ms of waiting, then ${LOCK_MS} ms with a lock, in turns: never more than ${1000 / LOCK_MS} a second`,
    workers: [1, 2, 3, 4, 8, 12],
    work: (scheduler) => scheduler.run(tasks.locked, lock),
  },
};

/** A pool for each number of workers, from its first run to the end: to start threads takes longer than a run, and the warm-up is there for it. */
class Pools implements AsyncDisposable {
  readonly #byWorkers = new Map<number, Scheduler>();

  of(workers: number): Scheduler {
    let pool = this.#byWorkers.get(workers);
    if (pool === undefined) this.#byWorkers.set(workers, (pool = Scheduler.create({ threads: workers })));
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byWorkers.values()].map((pool) => pool.close()));
  }
}

/** In a closed loop for a while: with two tasks under way for each worker, none waits for the thread that hands them out. */
async function throughputOf(
  work: () => Promise<unknown>,
  inParallel: number,
  signal: AbortSignal,
): Promise<number> {
  let done = 0;
  let lastMs = 0;
  const startMs = performance.now();
  const one = async (): Promise<void> => {
    while (performance.now() - startMs < WINDOW_MS && !signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await work();
      done += 1;
      lastMs = performance.now() - startMs;
    }
  };
  await Promise.all(Array.from({ length: inParallel }, one));
  return (done / lastMs) * 1000;
}

function shown({ value, low, high }: Estimate): string {
  return `${value.toPrecision(3)} (${low.toPrecision(3)} to ${high.toPrecision(3)})`;
}

async function main(names: readonly string[]): Promise<void> {
  console.log(`Node ${process.version}, ${availableParallelism()} processors`);
  for (const name of names.length > 0 ? names : Object.keys(WORKLOADS)) {
    const workload = WORKLOADS[name];
    if (workload === undefined) throw new Error(`${name} is none of ${Object.keys(WORKLOADS).join(', ')}`);
    const { what, workers, work } = workload;
    console.log(`\n${name}: ${what}`);
    await using pools = new Pools();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const found = await measureCapacity(
      ({ workers: number, signal }) =>
        throughputOf(() => work(pools.of(number)), name === 'batch' ? 1 : 2 * number, signal),
      { workers, medians: true, precision: 0.02, mostRounds: 10, mostMs: 30_000 },
    );
    const counted = Map.groupBy(
      found.runs.filter(({ round }) => round >= 0),
      (run) => run.workers,
    );
    for (const [number, runs] of [...counted].toSorted(([a], [b]) => a - b)) {
      const sorted = runs.map(({ throughput }) => throughput).toSorted((a, b) => a - b);
      const busy = runs.reduce((sum, run) => sum + run.own, 0) / runs.length;
      const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((i) =>
        sorted[i]?.toFixed(1),
      );
      const fitted = found.kind === 'fit' ? `, the law ${found.predict(number).value.toFixed(1)}` : '';
      console.log(
        `${String(number).padStart(4)} workers: ${median} a second (${least} to ${most})${fitted}, ${(100 * busy).toFixed(0)} % of the processors`,
      );
    }
    const foreign = found.runs.map((run) => run.foreign ?? 0).toSorted((a, b) => a - b);
    console.log(
      `     ${found.samples.length} samples; others took ${(100 * (foreign[foreign.length >> 1] ?? 0)).toFixed(0)} % of the processors`,
    );
    if (found.kind === 'no-fit') console.log(`     ${found.reason}: ${found.message}`);
    else {
      const { peak } = found;
      console.log(
        `     λ ${shown(found.lambda)}, σ ${shown(found.sigma)}, κ ${shown(found.kappa)}, error ${found.standardError.toFixed(2)}`,
      );
      console.log(
        peak.kind === 'peak'
          ? `     most with ${peak.bestWorkers} workers: ${shown(peak.throughput)}`
          : `     no peak before ${peak.workers.low.toFixed(0)} workers; never more than ${shown(peak.throughput)}`,
      );
    }
  }
}

if (isMainThread) await main(process.argv.slice(2));
