// Roles of the parker's stress test. A permit is a count in `words[0]`.
import { parentPort, workerData } from 'node:worker_threads';
import { Parker } from '../../src/index.ts';
import { arrive } from '../../../../tools/testing/crew.ts';

const { role, times, words } = workerData as {
  role: keyof typeof roles;
  times: number;
  words: Int32Array;
};
const parker = Parker.attach(workerData.parker);
const answer = workerData.answer === undefined ? parker : Parker.attach(workerData.answer);

function tryTake(): boolean {
  while (true) {
    const permits = Atomics.load(words, 0);
    if (permits === 0) return false;
    if (Atomics.compareExchange(words, 0, permits, permits - 1) === permits) return true;
  }
}

const roles = {
  take(): number {
    let parked = 0;
    for (let taken = 0; taken < times;) {
      const sequence = parker.prepare();
      if (tryTake()) taken++;
      else if (parker.park(sequence) === 'woken') parked++;
    }
    return parked;
  },
  async takeAsync(): Promise<number> {
    let parked = 0;
    for (let taken = 0; taken < times;) {
      const sequence = parker.prepare();
      if (tryTake()) taken++;
      else if ((await parker.parkAsync(sequence, { ref: true })) === 'woken') parked++;
    }
    return parked;
  },
  /** Parks and aborts, over and over, until all permits are gone: it must not cost the others a wake-up. At least once, where they are faster. */
  async abort(): Promise<number> {
    for (let aborted = 0; ;) {
      const controller = new AbortController();
      const waiting = parker.parkAsync(parker.prepare(), { signal: controller.signal, ref: true });
      setImmediate(() => controller.abort());
      const how = await waiting.catch(() => 'aborted' as const);
      if (how === 'aborted') aborted++;
      if (aborted > 0 && Atomics.load(words, 1) >= times) return aborted;
    }
  },
  post(): number {
    for (let i = 0; i < times; i++) {
      Atomics.add(words, 0, 1);
      Atomics.add(words, 1, 1);
      parker.unpark();
    }
    return times;
  },
  /** One permit at a time, the next when the taker has answered: each round parks. */
  ping(): number {
    for (let i = 1; i <= times; i++) {
      Atomics.store(words, 0, i);
      parker.unpark();
      for (let seen = answer.prepare(); Atomics.load(words, 1) !== i; seen = answer.prepare())
        answer.park(seen);
    }
    return times;
  },
  pong(): number {
    for (let i = 1; i <= times; i++) {
      for (let seen = parker.prepare(); Atomics.load(words, 0) !== i; seen = parker.prepare())
        parker.park(seen);
      Atomics.store(words, 1, i);
      answer.unpark();
    }
    return times;
  },
};

arrive(workerData);
parentPort!.postMessage(await roles[role]());
