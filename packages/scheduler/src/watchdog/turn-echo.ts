// Of a worker: whether its event loop turns. The watchdog writes a number, and the event loop answers with the same one when it comes to that. PROTOCOL.md, section 13.
import { workerEntry } from '../layout.ts';
import type { SchedulerTable } from '../table.ts';

const WORD = workerEntry.word;

/** Answers for the calling thread, for as long as it lasts. Keeps nothing alive. */
export function echoTurns(table: SchedulerTable, party: number): void {
  const { i32 } = table;
  const entry = table.workerWord(party);
  const ping = entry + WORD.ping;
  const answer = (): void => {
    for (;;) {
      const seen = Atomics.load(i32, ping); // observe: pairs with the store in TurnSampler.ask
      Atomics.store(i32, entry + WORD.echo, seen); // publish: pairs with the load in TurnSampler.hasTurned
      const { async, value } = Atomics.waitAsync(i32, ping, seen);
      if (!async) continue;
      void value.then(answer);
      return;
    }
  };
  answer();
}
