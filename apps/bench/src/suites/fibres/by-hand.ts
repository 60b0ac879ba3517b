// Switches without a scheduler of fibres: what a generator costs at all, and what JavaScript offers in its place.
import { setImmediate as immediate } from 'node:timers/promises';

/** Tasks that take turns. */
export const TAKING_TURNS = 2;

/** Two generators resumed in turn. @returns how many times one of them was */
export function resumeInTurn(operations: number): number {
  let switches = 0;
  function* fibre(): Generator<undefined, void, undefined> {
    for (;;) {
      switches++;
      yield;
    }
  }
  const [one, other] = [fibre(), fibre()];
  for (let i = 1; i < operations; i += TAKING_TURNS) {
    one.next();
    other.next();
  }
  if (operations % TAKING_TURNS === 1) one.next();
  return switches;
}

/** Two async functions that take turns in the microtask queue: the event loop has none meanwhile. */
export async function awaitInTurn(operations: number): Promise<number> {
  const nothing = Promise.resolve();
  let switches = 0;
  const task = async (): Promise<void> => {
    while (switches < operations) {
      switches++;
      await nothing;
    }
  };
  await Promise.all([task(), task()]);
  return switches;
}

/** Two async functions that take turns with the event loop: each waits for its next turn. */
export async function immediatesInTurn(operations: number): Promise<number> {
  let switches = 0;
  const task = async (): Promise<void> => {
    while (switches < operations) {
      switches++;
      await immediate();
    }
  };
  await Promise.all([task(), task()]);
  return switches;
}
