// Where workers are placed, as far as they have said so; tasks pinned to a worker, a CPU or a node; and whom workers steal from first.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { NoSeatError } from './errors.ts';
import { LEVELS, POLICY_WORK_STEALING, schedulerRoot, victimCell, workerEntry } from './layout.ts';
import type { Topology } from './policy.ts';
import type { SeatPlace } from './ports.ts';
import type { SchedulerTable } from './table.ts';

/** Where a task must run: on one worker, or on one of those that are placed on a CPU or a NUMA node. */
export type Pin = { readonly worker: number } | { readonly cpu: number } | { readonly node: number };

const PLACES = ['cpu', 'node', 'cache'] as const;
type Place = (typeof PLACES)[number];

/** Same cache, same node, elsewhere. */
const NEAR = 1;
const SAME_NODE = 2;
const FAR = 3;

/** Of the worker, before it takes tasks. @throws ArgumentRangeError where it is no place */
export function publishPlace(table: SchedulerTable, worker: number, place: SeatPlace | void): void {
  for (const name of PLACES) {
    const value = place?.[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value < 2 ** 31 - 1))
      throw new ArgumentRangeError(`place().${name}`, value, 'an integer from 0 on, or undefined');
    Atomics.store(table.i32, table.workerWord(worker + 1) + workerEntry.word[name], (value ?? -1) + 1);
  }
}

/** Undefined where it is not known. */
function placeOf(table: SchedulerTable, worker: number, name: Place): number | undefined {
  const value = Atomics.load(table.i32, table.workerWord(worker + 1) + workerEntry.word[name]);
  return value > 0 ? value - 1 : undefined;
}

/** The lane of tasks that one worker alone may run. @throws ArgumentRangeError */
function laneOfWorker(table: SchedulerTable, worker: number): number {
  if (!Number.isInteger(worker) || worker < 0 || worker >= table.threads)
    throw new ArgumentRangeError('pin.worker', worker, `an integer from 0 to ${table.threads - 1}`);
  return LEVELS + worker;
}

/** Indices of workers whose seats have a thread, or will have one without being asked; none of the slow lane. */
export function liveWorkers({ common, i32, liveWord }: SchedulerTable): number[] {
  return Array.from({ length: common }, (_, worker) => worker).filter(
    (worker) => (Atomics.load(i32, liveWord + (worker >> 5)) >>> (worker & 31)) & 1,
  );
}

export class PinnedLanes {
  readonly #table: SchedulerTable;
  /** Where the next search begins, so that tasks are spread. */
  #next = 0;

  constructor(table: SchedulerTable) {
    this.#table = table;
  }

  /** The lane for a task with this pin. Of several workers one that is idle, or else in turn; one of the slow lane only by its index. @throws ArgumentRangeError, NoSeatError */
  laneOf(pin: Pin): number {
    if (typeof pin !== 'object' || pin === null)
      throw new ArgumentRangeError('pin', pin, '{ worker }, { cpu } or { node }');
    const { worker, cpu, node } = pin as { worker?: number; cpu?: number; node?: number };
    if (Number(worker !== undefined) + Number(cpu !== undefined) + Number(node !== undefined) !== 1)
      throw new ArgumentRangeError('pin', pin, '{ worker }, { cpu } or { node }, one of them');
    if (worker !== undefined) return laneOfWorker(this.#table, worker);
    if (cpu !== undefined) return LEVELS + this.#choose('cpu', cpu);
    return LEVELS + this.#choose('node', node as number);
  }

  #choose(name: 'cpu' | 'node', value: number): number {
    if (!Number.isInteger(value) || value < 0)
      throw new ArgumentRangeError(`pin.${name}`, value, 'an integer from 0 on');
    const table = this.#table;
    let best = -1;
    let bestScore = -1;
    for (let i = 0; i < table.common; i++) {
      const worker = (this.#next + i) % table.common;
      if (placeOf(table, worker, name) !== value) continue;
      const score = 2 * bitOf(table, 'live', worker) + bitOf(table, 'parked', worker);
      if (score <= bestScore) continue;
      best = worker;
      bestScore = score;
    }
    if (best < 0) throw new NoSeatError(name, value, this.#known(name));
    this.#next = (best + 1) % table.common;
    return best;
  }

  #known(name: Place): number[] {
    const found = new Set<number>();
    for (let worker = 0; worker < this.#table.common; worker++) {
      const value = placeOf(this.#table, worker, name);
      if (value !== undefined) found.add(value);
    }
    return [...found].toSorted((a, b) => a - b);
  }
}

/** Of the owner, when the scheduler is created and whenever a worker has said where it is: whom each worker steals from first. */
export function orderVictims(table: SchedulerTable, topology: Topology | undefined): void {
  if (table.policy !== POLICY_WORK_STEALING) return;
  const { common: threads } = table;
  const distance = (a: number, b: number): number => topology?.distance(a, b) ?? distanceOf(table, a, b);
  for (let worker = 0; worker < threads; worker++) {
    // At the same distance the next ones first: not all from the same.
    const others = Array.from({ length: threads - 1 }, (_, i) => (worker + 1 + i) % threads)
      .map((other) => ({ other, away: distance(worker, other) }))
      .toSorted((a, b) => a.away - b.away);
    for (const [i, { other }] of others.entries())
      Atomics.store(table.i32, table.victimWord(worker, i) + victimCell.word.worker, other + 1);
  }
}

function distanceOf(table: SchedulerTable, a: number, b: number): number {
  const same = (name: Place): boolean => {
    const place = placeOf(table, a, name);
    return place !== undefined && place === placeOf(table, b, name);
  };
  if (same('cache')) return NEAR;
  return same('node') ? SAME_NODE : FAR;
}

function bitOf(table: SchedulerTable, name: 'live' | 'parked', worker: number): number {
  const word = (table.at >> 2) + schedulerRoot.word[name] + (worker >> 5);
  return (Atomics.load(table.i32, word) >>> (worker & 31)) & 1;
}
