// Every worker owns a deque, pushes `count` values of its own and pops; when it has none it moves some from the others, or steals one.
import { parentPort, workerData } from 'node:worker_threads';
import {
  DEQUE_EMPTY,
  DEQUE_FULL,
  DEQUE_RETRY,
  WorkStealingDeque,
  type WorkStealingDequeHandle,
} from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface DequeStation {
  readonly handles: readonly WorkStealingDequeHandle[];
  /** Values that this worker pushes: 0 for one that only steals. */
  readonly count: number;
  /** Its values begin here. */
  readonly first: number;
  /** How often each value came out. */
  readonly seen: Int32Array;
  /** One word: values that came out. */
  readonly taken: Int32Array;
}

export interface DequeReport {
  readonly popped: number;
  readonly stolen: number;
  readonly moved: number;
}

const { handles, count, first, seen, taken, id, control } = workerData as DequeStation & Station;
const arenaOf = WorkStealingDeque.attach(handles[id] as WorkStealingDequeHandle);
const deques = handles.map((handle, i) => (i === id ? arenaOf : WorkStealingDeque.attach(handle)));
using owner = arenaOf.owner();
let [popped, stolen, moved, turn] = [0, 0, 0, 0];

function took(value: number): void {
  Atomics.add(seen, value, 1);
  Atomics.add(taken, 0, 1);
}

/** Whether there was something. */
function rob(victim: WorkStealingDeque): boolean {
  if (victim === arenaOf) return false;
  if (++turn % 2 === 0) {
    const many = owner.stealFrom(victim, 1 + (turn % 7));
    if (many > 0) moved += many;
    return many > 0;
  }
  const value = victim.steal();
  if (value === DEQUE_EMPTY || value === DEQUE_RETRY) return false;
  stolen++;
  took(value);
  return true;
}

arrive({ id, control });
let pushed = 0;
while (Atomics.load(taken, 0) < seen.length) {
  // In bursts, so that the deque is full, empty and in between.
  for (let burst = pushed % 97; burst > 0 || pushed % 97 === 0; burst--) {
    if (pushed === count || owner.tryPush(first + pushed) === DEQUE_FULL) break;
    pushed++;
  }
  const value = owner.tryPop();
  if (value !== DEQUE_EMPTY) {
    popped++;
    took(value);
  } else if (!deques.some(rob)) yieldCore(control);
}
parentPort?.postMessage({ popped, stolen, moved } satisfies DequeReport);
