// Ten thousand tasks of a hundred names in the slow lane: what it refuses, in which order it gives them to its one worker, and how often each runs.
import { setTimeout as delay } from 'node:timers/promises';
import { PRIORITIES, Scheduler, type Priority, type Task } from '../../src/index.ts';
import { gate, GATE, ORDER, sourceName, sources, SOURCES, TASKS, TIMES, WORDS } from './tasks.ts';

/** Of each name, and of all: the cap of a source is reached by all of them, and that of the lane by all together. */
const EACH: number = TASKS / SOURCES;
const SLOTS = 16_384;

export interface Outcome {
  /** What the one beyond the cap of its name was told, and the one beyond that of all. */
  readonly refusals: readonly string[];
  /** How many tasks ran how often. */
  readonly byTimes: Readonly<Record<number, number>>;
  /** Priorities in the order in which they ran. */
  readonly order: readonly Priority[];
  readonly boosted: number;
  /** Results that were wrong. */
  readonly wrong: number;
  readonly milliseconds: number;
}

export interface TenThousandOptions {
  /** How long one must have waited for every second turn to be its. */
  readonly boostMs: number;
  /** Those of low priority enter so long before the others; undefined: all in turn. */
  readonly lowFirstMs: number | undefined;
}

/** Tasks of all priorities in turn, so many of each. */
const priorityOf = (id: number): Priority => PRIORITIES[id % PRIORITIES.length] as Priority;

function taskOf(n: number): Task<number, number> {
  const task = sources[sourceName(n)];
  if (task === undefined) throw new Error(`no source ${n}`);
  return task;
}

export async function runTenThousand({ boostMs, lowFirstMs }: TenThousandOptions): Promise<Outcome> {
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  // The default caps: 10,000 tasks, 100 of a name. What holds the lane is not in it while it runs.
  await using scheduler = Scheduler.create({
    threads: 1,
    slots: SLOTS,
    slowLane: { boostMs },
    workerData: words,
  });
  const held = scheduler.run(gate.hold, undefined, { lane: 'slow' });
  while (scheduler.stats().running === 0) await delay(1);
  const results: Promise<number>[] = [];
  const submit = (id: number): void => {
    results[id] = scheduler.run(taskOf(Math.floor(id / EACH)), id, {
      lane: 'slow',
      priority: priorityOf(id),
    });
  };
  const refusals: string[] = [];
  const submitInVain = (): Promise<unknown> =>
    scheduler
      .run(taskOf(0), 0, { lane: 'slow' })
      .catch((error: unknown) => void refusals.push((error as Error).name));
  const ids = Array.from({ length: TASKS }, (_, id) => id);
  const last = ids.pop() as number;
  if (lowFirstMs !== undefined) {
    for (const id of ids) if (priorityOf(id) === 'low') submit(id);
    await delay(lowFirstMs);
  }
  for (const id of ids) if (results[id] === undefined) submit(id);
  await submitInVain(); // as many of this name as may be are in it
  submit(last);
  await submitInVain(); // as many of all
  const startMs = performance.now();
  Atomics.store(words, GATE, 1);
  Atomics.notify(words, GATE);
  await held;
  const wrong = (await Promise.all(results)).filter((result, id) => result !== id).length;
  const milliseconds = performance.now() - startMs;
  const byTimes: Record<number, number> = {};
  for (const times of words.subarray(TIMES, ORDER)) byTimes[times] = (byTimes[times] ?? 0) + 1;
  const order = Array.from(words.subarray(ORDER), priorityOf);
  const boosted = scheduler.stats().slowLane?.boosted ?? Number.NaN;
  return { refusals, byTimes, order, boosted, wrong, milliseconds };
}

/** How many of each priority are among so many tasks. */
export function sharesOf(order: readonly Priority[]): Readonly<Record<Priority, number>> {
  const shares = Object.fromEntries(PRIORITIES.map((priority) => [priority, 0])) as Record<Priority, number>;
  for (const priority of order) shares[priority]++;
  return shares;
}
