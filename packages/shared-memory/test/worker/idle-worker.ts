// Takes permits with an idle strategy, or makes them, one after the other or in bursts.
import { parentPort, workerData } from 'node:worker_threads';
import { idleStrategy, Parker, type IdleKind, type ParkerHandle } from '../../src/index.ts';
import { arrive } from '../../../../tools/testing/crew.ts';

interface Station {
  readonly role: 'take' | 'make';
  readonly kind: IdleKind;
  readonly times: number;
  readonly words: Int32Array;
  readonly parker: ParkerHandle;
}

const { role, kind, times, words, parker: handle } = workerData as Station;
const parker = Parker.attach(handle);
arrive(workerData);
if (role === 'make') {
  for (let i = 1; i <= times; i++) {
    Atomics.store(words, 0, i);
    parker.unpark();
    if (i % 64 !== 0) continue;
    // Waits until all are taken, so that the taker goes idle.
    for (let taken = Atomics.load(words, 1); taken < i; taken = Atomics.load(words, 1))
      Atomics.wait(words, 1, taken, 1);
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
