// Threads that wait for a buffer: PROTOCOL.md, section 4.
import { add, load, notify, set, sub } from '@corelane/shared-memory/kernel/atomics';
import {
  BUFFER_POOL_ROOT_SEQUENCE,
  BUFFER_POOL_ROOT_WAITERS,
  OWNER_SLOT_WAITING,
} from './layout.generated.ts';
import { slotOf } from './record.ts';

/** From now on whoever returns a buffer bumps `sequence` and wakes. Then look at `waiterSequence`, then try, then park on it. */
export function announceWaiter(pool: i32, owner: i32): void {
  set(slotOf(pool, owner) + OWNER_SLOT_WAITING, 1);
  add(pool + BUFFER_POOL_ROOT_WAITERS, 1); // pairs with the load of waiters in returnBuffer
}

/** Takes back what `announceWaiter` did, for oneself or for an owner that has ended. */
export function retireWaiter(pool: i32, owner: i32): void {
  set(slotOf(pool, owner) + OWNER_SLOT_WAITING, 0);
  sub(pool + BUFFER_POOL_ROOT_WAITERS, 1);
}

export function waiterSequence(pool: i32): i32 {
  return load(pool + BUFFER_POOL_ROOT_SEQUENCE); // observe: pairs with wakeWaiters
}

/** Wakes every thread that waits: one of them may have given up, and a parked promise can't be taken back. */
export function wakeWaiters(pool: i32): void {
  add(pool + BUFFER_POOL_ROOT_SEQUENCE, 1); // publish: who parks from now on with what it saw before does not park
  notify(pool + BUFFER_POOL_ROOT_SEQUENCE, -1);
}
