// The watch of a client's list of finished slots.
import { CompletionWatch, type Profile } from './completion-watch.ts';
import { clientEntry, LIST_ASLEEP } from './layout.ts';
import type { SchedulerTable } from './table.ts';

export function watchList(
  table: SchedulerTable,
  party: number,
  inFlight: () => number,
  collect: () => number,
  profile: Profile,
): CompletionWatch {
  const { kernel, at, i32 } = table;
  const word = table.clientWord(party) + clientEntry.word.finished;
  return new CompletionWatch(
    {
      get inFlight() {
        return inFlight();
      },
      hasFinished: () => Atomics.load(i32, word) > 0,
      collect,
      fallAsleep: () => kernel.fallAsleep(at, party) === 1,
      wait: () => {
        const { async, value } = Atomics.waitAsync(i32, word, LIST_ASLEEP); // pairs with the notify in deliverSlot
        return async ? value : undefined;
      },
    },
    profile,
    table.threads + 1,
  );
}
