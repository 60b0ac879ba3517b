// The other thread of a hand-off: adds one to the word when it is its turn, and sleeps until then; or answers each message.
import { parentPort, workerData } from 'node:worker_threads';
import { TURN } from './turn.ts';

const words = workerData as Int32Array | null;

if (words === null) parentPort?.on('message', (n: number) => parentPort?.postMessage(n + 1));
else
  for (;;) {
    const turn = Atomics.load(words, TURN); // observe: pairs with the store of the other thread
    if (turn < 0) break;
    if ((turn & 1) === 0) {
      Atomics.wait(words, TURN, turn);
      continue;
    }
    // publish: pairs with the other thread's wait. It may have ended the exchange meanwhile: then the word stays as it is.
    Atomics.compareExchange(words, TURN, turn, turn + 1);
    Atomics.notify(words, TURN);
  }
