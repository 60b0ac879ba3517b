// What is in a scheduler at a moment: one look at each slot, some 10 ns a slot.
import type { WorkerState } from './seat.ts';
import { threadOf } from './client-places.ts';
import { idleMsIn } from './idle-time.ts';
import {
  LEVELS,
  SLOT_CONDEMNED,
  SLOT_DONE,
  SLOT_DOOMED,
  SLOT_FREE,
  SLOT_HELD,
  SLOT_MENDING,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  SLOT_STUCK,
  SLOW_PARTY,
  slotHead,
  workerEntry,
} from './layout.ts';
import { budgetStatsOf, type BudgetStats } from './monitor/budget-stats.ts';
import { priorityAt, type Priority } from './priority.ts';
import type { SlowLaneCounts } from './slow-lane/slow-lane.ts';
import { clientIn, stateIn, workerIn, type SchedulerTable } from './table.ts';

export interface WorkerStats {
  readonly index: number;
  /** -1 where no thread runs. */
  readonly threadId: number;
  readonly state: WorkerState;
  /** Tasks that returned, threw, and ended with a worker, of all workers that had this index. Wrap at 2^32. */
  readonly completed: number;
  readonly failed: number;
  readonly lost: number;
  /** Tasks that went on to the slow lane, begun or not. */
  readonly moved: number;
  /** Whether it is a worker of the slow lane. */
  readonly isSlow: boolean;
  /** Milliseconds since its thread was started: parked with nothing to do, and the rest, in which it starts or has a task, be it one that waits. 0 where no thread runs. Wrap at 2^31. */
  readonly idleMs: number;
  readonly busyMs: number;
}

export interface ClientStats {
  readonly id: number;
  readonly threadId: number;
  /** Its tasks that are queued or running. */
  readonly inFlight: number;
}

export interface SchedulerStats {
  /** Tasks that wait, by priority: levels between two names count for the lower one. */
  readonly queued: Readonly<Record<Priority, number>>;
  /** Tasks that wait for the worker that they are pinned to. */
  readonly pinned: number;
  /** Of the slow lane, whose tasks are in none of the other counts of those that wait; undefined where there is none. */
  readonly slowLane: SlowLaneCounts | undefined;
  /** Tasks that run, those whose result nobody wants included. */
  readonly running: number;
  /** Sums over all workers. */
  readonly completed: number;
  readonly failed: number;
  readonly lost: number;
  readonly slots: { readonly total: number; readonly used: number };
  readonly workers: readonly WorkerStats[];
  /** Of polls; undefined without option `budgets`. */
  readonly budgets: BudgetStats | undefined;
  readonly clients: readonly ClientStats[];
}

type Seats = readonly (Pick<WorkerStats, 'index' | 'isSlow' | 'threadId' | 'state'> & {
  readonly startMs: number;
})[];

/** @param startMs undefined where no thread runs */
function timesOf(
  table: SchedulerTable,
  party: number,
  startMs: number | undefined,
): Pick<WorkerStats, 'idleMs' | 'busyMs'> {
  if (startMs === undefined) return { idleMs: 0, busyMs: 0 };
  const idleMs = idleMsIn(table.i32, table.workerWord(party) + workerEntry.word.idle);
  return { idleMs, busyMs: (performance.now() - startMs - idleMs) & 0x7fffffff };
}

export function statsOf(table: SchedulerTable, seats: Seats): SchedulerStats {
  const queued: Record<Priority, number> = { critical: 0, high: 0, normal: 0, low: 0 };
  const inFlight = new Int32Array(table.maxClients + 1);
  let pinned = 0;
  let running = 0;
  let used = 0;
  const { i32, slots, strideWords } = table;
  let at = table.slotWord(0);
  for (let slot = 0; slot < slots; slot++, at += strideWords) {
    const word = Atomics.load(i32, at + slotHead.word.state);
    const state = stateIn(word);
    if (state === SLOT_FREE || state === SLOT_HELD || state === SLOT_DONE) continue;
    used++;
    const client = clientIn(word);
    if (client <= table.maxClients && state !== SLOT_ORPHANED)
      inFlight[client] = (inFlight[client] as number) + 1;
    if (
      state === SLOT_RUNNING ||
      state === SLOT_ORPHANED ||
      state === SLOT_CONDEMNED ||
      state === SLOT_DOOMED ||
      state === SLOT_STUCK
    )
      running++;
    if (state !== SLOT_QUEUED && state !== SLOT_MENDING) continue;
    const lane = i32[at + slotHead.word.lane] as number;
    if (workerIn(word) === SLOW_PARTY) continue;
    if (lane < LEVELS) queued[priorityAt(lane)]++;
    else pinned++;
  }
  const workers = seats.map(({ index, isSlow, threadId, state, startMs }) => {
    const count = (word: number): number => Atomics.load(table.i32, table.workerWord(index + 1) + word) >>> 0;
    const { completed, failed, lost, moved } = workerEntry.word;
    return {
      index,
      threadId,
      state,
      completed: count(completed),
      failed: count(failed),
      lost: count(lost),
      moved: count(moved),
      isSlow,
      ...timesOf(table, index + 1, threadId < 0 ? undefined : startMs),
    };
  });
  const clients: ClientStats[] = [];
  for (let client = 1; client <= table.maxClients; client++) {
    const threadId = threadOf(table, client);
    if (threadId >= 0) clients.push({ id: client - 1, threadId, inFlight: inFlight[client] as number });
  }
  const sum = (of: (worker: WorkerStats) => number): number =>
    workers.reduce((total, worker) => total + of(worker), 0);
  return {
    queued,
    pinned,
    slowLane: table.slow?.counts(),
    running,
    completed: sum((worker) => worker.completed),
    failed: sum((worker) => worker.failed),
    lost: sum((worker) => worker.lost),
    slots: { total: slots, used },
    workers,
    clients,
    budgets: budgetStatsOf(table),
  };
}
