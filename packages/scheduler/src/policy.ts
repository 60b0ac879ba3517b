// Which task a worker takes next: the policies, and what they need of options.
import { ArgumentRangeError } from '@corelane/shared-memory';
import {
  MAX_BATCH,
  POLICY_DEADLINE,
  POLICY_FIFO,
  POLICY_PRIORITY,
  POLICY_ROUND_ROBIN,
  POLICY_WORK_STEALING,
} from './layout.ts';

/**
 * - `priority`: the most urgent level first; within one, clients in turn. One claim in 64 is of a less urgent level: none starves.
 * - `fifo`: in the order of submission, of all clients. Priorities do not count.
 * - `roundRobin`: clients in turn, one task each. Priorities do not count. Generator tasks run for `sliceMs` at a time.
 * - `workStealing`: as `priority`, but workers move many tasks at once to a queue of their own, run these first, and steal from each other.
 * - `deadline`: tasks with `deadlineMs` come first, of these the one with the earliest; the others as with `priority`.
 */
export type Policy = 'priority' | 'fifo' | 'roundRobin' | 'workStealing' | 'deadline';

/** How far the memory is from one worker that another one uses: any numbers, the smallest for the nearest. */
export interface Topology {
  distance(workerA: number, workerB: number): number;
}

export interface PolicyOptions {
  /** Which task a worker takes next; `priority` by default. */
  readonly policy?: Policy;
  /** `workStealing`: tasks in the queue of a worker, at most; rounded up to a power of two, 256 by default. */
  readonly localQueue?: number;
  /** `workStealing`: tasks that a worker steals at once, at most; 4 by default. */
  readonly stealBatch?: number;
  /**
   * `workStealing`: workers steal from the nearest first. By default those with the same cache come first, then those on the same node, by what
   * `Affinity.place` returns; without it those with the next indices.
   */
  readonly topology?: Topology;
}

export interface PolicyPlan {
  /** POLICY_ ... */
  readonly policy: number;
  /** Hints that the deque of a worker has room for: a power of two. */
  readonly batch: number;
  readonly stealBatch: number;
}

const NUMBERS: Readonly<Record<Policy, number>> = {
  priority: POLICY_PRIORITY,
  roundRobin: POLICY_ROUND_ROBIN,
  workStealing: POLICY_WORK_STEALING,
  fifo: POLICY_FIFO,
  deadline: POLICY_DEADLINE,
};
export const POLICIES = Object.keys(NUMBERS) as readonly Policy[];
export const LAST_POLICY: number = Math.max(...Object.values(NUMBERS));
/** Both as usual. */
const LOCAL_QUEUE = 256;
const STEAL_BATCH = 4;
export const MAX_LOCAL_QUEUE: number = 2 ** 16;
const MIN_LOCAL_QUEUE = 2;

/** @throws ArgumentRangeError */
export function policyPlan(options: PolicyOptions): PolicyPlan {
  const { policy = 'priority', localQueue, stealBatch, topology } = options;
  if (typeof policy !== 'string' || !Object.hasOwn(NUMBERS, policy))
    throw new ArgumentRangeError('policy', policy, `one of ${POLICIES.join(', ')}`);
  if (policy !== 'workStealing') {
    for (const [name, value] of Object.entries({ localQueue, stealBatch, topology }))
      if (value !== undefined)
        throw new ArgumentRangeError(name, value, `none, where policy is ${policy} and not workStealing`);
    return { policy: NUMBERS[policy], batch: MAX_BATCH, stealBatch: 0 };
  }
  if (topology !== undefined && typeof topology?.distance !== 'function')
    throw new ArgumentRangeError('topology', topology, `an object with a function 'distance'`);
  const wanted = within('localQueue', localQueue ?? LOCAL_QUEUE, MIN_LOCAL_QUEUE, MAX_LOCAL_QUEUE);
  return {
    policy: NUMBERS[policy],
    batch: 2 ** Math.ceil(Math.log2(wanted)),
    stealBatch: within('stealBatch', stealBatch ?? STEAL_BATCH, 1, MAX_LOCAL_QUEUE),
  };
}

/** Whether all tasks are of one level, whatever their priority. */
export function ignoresPriorities(policy: number): boolean {
  return policy === POLICY_FIFO || policy === POLICY_ROUND_ROBIN;
}

/** Hints that wait in a lane for each that a worker takes at once; 0: it takes one. */
export function shareOf(policy: number, threads: number): number {
  if (policy === POLICY_FIFO || policy === POLICY_ROUND_ROBIN) return 0;
  // What one worker has taken no other one can have, if there is none: all of it, which costs a third less than one at a time.
  if (threads === 1) return 1;
  // Half of an equal share: what is left is the others'.
  return 2 * threads;
}

/** Further away than this is all the same, since the words wrap. */
const FARTHEST_MS = 2 ** 30;

/**
 * What a slot holds for a deadline, by milliseconds since the scheduler began: never 0, which is none.
 * @param deadlineMs by `performance.timeOrigin + performance.now()`
 */
export function deadlineWord(deadlineMs: number, startMs: number): number {
  const nowMs = performance.timeOrigin + performance.now();
  const atMs = Math.min(Math.max(deadlineMs, nowMs - FARTHEST_MS), nowMs + FARTHEST_MS);
  return Math.floor(atMs - startMs) | 0 || 1;
}

/** Of a slot that holds one: whether it has passed. */
export function isPast(word: number, startMs: number): boolean {
  const nowMs = performance.timeOrigin + performance.now();
  return ((Math.floor(nowMs - startMs) - word) | 0) > 0;
}

function within(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ArgumentRangeError(name, value, `an integer from ${least} to ${most}`);
  return value;
}
