// Adds 1 and then numbers around it; one of the workers may drain meanwhile.
import { parentPort, workerData } from 'node:worker_threads';
import { StripedCounter, type StripedCounterHandle } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';

export interface CounterStation {
  readonly handle: StripedCounterHandle;
  readonly times: number;
  readonly drains: boolean;
}

export interface CounterReport {
  /** What it added. */
  readonly added: number;
  /** What it took. */
  readonly drained: number;
}

const { handle, times, drains, id, control } = workerData as CounterStation & Station;
const counter = StripedCounter.attach(handle);
let added = 0;
let drained = 0;
arrive({ id, control });
for (let n = 0; n < times; n++) {
  const amount = n % 3 === 0 ? 0xffff_ffff : n % 3 === 1 ? -5 : 1;
  counter.add(amount);
  added += amount;
  if (drains && n % 100 === 0) drained += counter.sumAndReset();
}
parentPort?.postMessage({ added, drained } satisfies CounterReport);
