// Policy workStealing: a worker moves many hints of a lane to its deque and works there; who has none steals some of another one's.
// After Tokio's multi-threaded scheduler. PROTOCOL.md, section 2.
import { stealDeque, stealManyDeque } from '@corelane/lock-free/kernel/deque';
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  LEVELS,
  NO_HINT,
  NO_TASK,
  SCHEDULER_ROOT_COMMON,
  SCHEDULER_ROOT_STEAL_BATCH,
  SCHEDULER_ROOT_VICTIMS_AT,
  STEAL_AGAIN,
  VICTIM_CELL_BYTES,
  VICTIM_CELL_WORKER,
  WORKER_ENTRY_FAIR_LEVEL,
  WORKER_ENTRY_NEXT_CLIENT,
} from './layout.generated.ts';
import { claimHint } from './hints.ts';
import { seekLane, seekLevel, takeBatch, takeHint } from './lanes.ts';
import { dequeAt, workerAt } from './places.ts';
import { wakeOne } from './sleep.ts';

/**
 * Claims a task: of the worker's deque, of the lanes, of another one's deque.
 * @param inTurn not 0: of a lane first, of the level after that of the last such claim: no lane and no level starves
 */
export function claimLocal(scheduler: i32, worker: i32, inTurn: i32): i32 {
  const own = dequeAt(scheduler, worker);
  let fair = inTurn;
  while (true) {
    let hint = fair != 0 ? takeFair(scheduler, worker) : stealDeque(own);
    if (hint == STEAL_AGAIN) continue;
    if (hint < 0 && fair == 0 && refill(scheduler, worker) == 0) return NO_TASK;
    fair = 0;
    if (hint < 0) continue;
    const slot = claimHint(scheduler, hint, worker);
    if (slot >= 0) return slot;
  }
}

/** Moves hints to the worker's deque, which is empty. @returns 0 where there are none, else look into it: others may have been faster */
function refill(scheduler: i32, worker: i32): i32 {
  const level = seekLevel(scheduler, LEVELS);
  if (level >= 0) {
    const client = nextLane(scheduler, worker, level);
    // Whoever announced its sleep before it could see what was moved is woken: pairs with its look at the deques.
    if (client >= 0 && takeBatch(scheduler, client, level, worker) > 1) wakeOne(scheduler);
    return 1;
  }
  const others = (get(scheduler + SCHEDULER_ROOT_COMMON) - 1) | 0;
  const row = get(scheduler + SCHEDULER_ROOT_VICTIMS_AT) + (worker - 1) * others * VICTIM_CELL_BYTES;
  for (let i = 0; i < others; i++) {
    const victim = load(row + i * VICTIM_CELL_BYTES + VICTIM_CELL_WORKER);
    if (victim == 0) continue;
    const most = get(scheduler + SCHEDULER_ROOT_STEAL_BATCH);
    let count = stealManyDeque(dequeAt(scheduler, victim), dequeAt(scheduler, worker), most);
    while (count == STEAL_AGAIN)
      count = stealManyDeque(dequeAt(scheduler, victim), dequeAt(scheduler, worker), most);
    if (count > 1) wakeOne(scheduler); // as above
    if (count > 0) return 1;
  }
  return 0;
}

/** @returns a hint of the next level in turn, or NO_HINT: it is asked once */
function takeFair(scheduler: i32, worker: i32): i32 {
  const entry = workerAt(scheduler, worker);
  let level = seekLevel(scheduler, get(entry + WORKER_ENTRY_FAIR_LEVEL));
  if (level < 0) level = seekLevel(scheduler, LEVELS);
  if (level < 0) return NO_HINT;
  set(entry + WORKER_ENTRY_FAIR_LEVEL, level);
  const client = nextLane(scheduler, worker, level);
  return client < 0 ? NO_HINT : takeHint(scheduler, client, level);
}

/** @returns a client with a hint in its lane, clients in turn, or -1 */
function nextLane(scheduler: i32, worker: i32, level: i32): i32 {
  const entry = workerAt(scheduler, worker);
  const client = seekLane(scheduler, level, get(entry + WORKER_ENTRY_NEXT_CLIENT));
  if (client >= 0) set(entry + WORKER_ENTRY_NEXT_CLIENT, (client + 1) | 0);
  return client;
}
