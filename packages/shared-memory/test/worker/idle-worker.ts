// Takes permits with an idle strategy, or makes them, one after the other or in bursts.
import { parentPort, workerData } from 'node:worker_threads';
import { idleStrategy, Parker } from '../../src/index.ts';
import { arrive } from './crew.ts';

const { role, kind, times, words, gate } = workerData;
const parker = Parker.attach(workerData.parker);
arrive(gate);
if (role === 'make') {
  for (let i = 1; i <= times; i++) {
    Atomics.store(words, 0, i);
    parker.unpark();
    // Every 64th time it waits until all are taken, so that the taker goes idle.
    while (i % 64 === 0 && Atomics.load(words, 1) !== i) Atomics.wait(words, 1, Atomics.load(words, 1), 1);
  }
  parentPort!.postMessage(undefined);
} else {
  const idle = idleStrategy(kind, { parker, threads: 2 });
  for (let taken = 0; taken < times;) {
    const made = Atomics.load(words, 0);
    const work = made - taken;
    taken = made;
    if (work > 0) {
      Atomics.store(words, 1, taken);
      Atomics.notify(words, 1);
    }
    idle.idle(work);
  }
  parentPort!.postMessage(idle.statistics);
}
