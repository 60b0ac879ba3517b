// How long something keeps its thread from everything else: the longest gap between two turns of the event loop while it runs.
import { setImmediate as turnLoop } from 'node:timers/promises';

/** @returns milliseconds, with what the loop itself takes for a turn (microseconds) */
export async function longestStallMs(work: () => Promise<unknown>): Promise<number> {
  let isRunning = true;
  let longest = 0;
  await turnLoop();
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (isRunning) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isRunning = false;
  look();
  return longest;
}
