// A worker whose poll is slow has a share of the time alone: it is parked for the rest of each period, until the poll has ended.
import { setTimeout as delay } from 'node:timers/promises';
import { workerEntry } from '../layout.ts';
import type { SchedulerTable } from '../table.ts';
import type { Parking } from './parking.ts';
import type { SlowTask } from './watchdog.ts';

/** Guessed: long against parking (microseconds) and timers (a millisecond), short against what anybody waits for. */
const PERIOD_MS = 20;
/** A park that nobody ends, because the owner is busy, ends so late. Guessed. */
const MOST_MS = 2 * PERIOD_MS;
/** Refusals in a row that may be by chance: somebody else has parked it, or the machine was busy. Guessed. */
const MOST_REFUSALS = 5;

/**
 * Settles when the poll has ended, or parking is refused again and again.
 * @param share of each period for which it stands still
 * @returns why it is not parked any more; undefined where its poll has ended
 */
export async function throttle(
  table: SchedulerTable,
  parking: Parking,
  { worker, threadId }: SlowTask,
  share: number,
): Promise<string | undefined> {
  const entry = table.workerWord(worker + 1);
  const count = Atomics.load(table.i32, entry + workerEntry.word.poll);
  const isUnderWay = (): boolean =>
    Atomics.load(table.i32, entry + workerEntry.word.poll) === count &&
    Atomics.load(table.i32, entry + workerEntry.word.thread) === threadId + 1;
  // An even one: it is an event loop that does not turn, and may any moment.
  if ((count & 1) === 0) return undefined;
  let refusals = 0;
  while (isUnderWay()) {
    try {
      const parked = await parking.park(worker, { maxMs: MOST_MS });
      refusals = 0;
      await delay(share * PERIOD_MS, undefined, { ref: false });
      parked.resume();
    } catch (error) {
      if (isUnderWay() && ++refusals > MOST_REFUSALS) return String(error);
    }
    await delay((1 - share) * PERIOD_MS, undefined, { ref: false });
  }
  return undefined;
}
