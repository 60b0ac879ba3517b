// A counter of permits that threads park for: what the parker's model suite runs. Words: permits, then the parker's two.
import { add, compareExchange, load, store } from '../../kernel/atomics.ts';
import { abandon, park, prepare, unpark } from '../../kernel/parker.ts';

const PARKER: i32 = 8;

export function post(at: i32): i32 {
  add(at, 1);
  return unpark(at + PARKER, 1);
}

/** Opens the gate for all. */
export function open(at: i32): i32 {
  store(at, 1);
  return unpark(at + PARKER, -1);
}

/** 1 where the gate is open; parks until it is. */
export function pass(at: i32): i32 {
  while (true) {
    const sequence = prepare(at + PARKER);
    if (load(at) != 0) return 1;
    park(at + PARKER, sequence, -1);
  }
}

function tryTake(at: i32): i32 {
  while (true) {
    const permits = load(at);
    if (permits == 0) return 0;
    if (compareExchange(at, permits, (permits - 1) | 0) == permits) return 1;
  }
}

/** 1 took a permit; 0 timed out without one. */
export function take(at: i32, timeoutUs: i32): i32 {
  while (true) {
    const sequence = prepare(at + PARKER);
    if (tryTake(at) != 0) return 1;
    if (park(at + PARKER, sequence, timeoutUs) == 2) return 0;
  }
}

/**
 * A waiter that is aborted while parked, or just after it was woken: the search explores the time-out at any point.
 * It takes nothing. In the model the time-out takes it out of the queue; in V8 the notify in `abandon` does.
 */
export function takeAborted(at: i32): i32 {
  const sequence = prepare(at + PARKER);
  if (load(at) != 0) return 0;
  park(at + PARKER, sequence, 1);
  add(at + PARKER + 4, 1); // undoes the `sub` at the end of park: `abandon` does it
  abandon(at + PARKER);
  return 0;
}
