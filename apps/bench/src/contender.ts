// A thread of Contenders: waits for a batch, meets the others, runs, writes its figures.
import { parentPort, workerData } from 'node:worker_threads';
import { nowNs } from './clock.ts';
import type { ContenderData, CreateContender } from './contention/contenders.ts';
import { ARRIVED, DONE, GO, OPERATIONS, SEQUENCE, STOP, openControl, slotsOf } from './contention/layout.ts';

async function main(): Promise<void> {
  const { control, contenders, index, module, data } = workerData as ContenderData;
  const { createContender } = (await import(module)) as { createContender: CreateContender };
  const run = await createContender(data as never, index);
  const { words, slots } = openControl(control);
  const at = slotsOf(index);
  parentPort?.postMessage('ready');
  for (let seen = 0; ;) {
    Atomics.wait(words, SEQUENCE, seen);
    const sequence = Atomics.load(words, SEQUENCE); // observe: pairs with the bump in Contenders.run and stop
    if (sequence === seen) continue;
    seen = sequence;
    if (Atomics.load(words, STOP) === 1) return;
    const operations = slots[OPERATIONS] ?? 0;
    if (Atomics.add(words, ARRIVED, 1) === contenders - 1) {
      Atomics.store(words, GO, sequence); // publish: pairs with the load of GO below, in the others
      Atomics.notify(words, GO);
    } else {
      for (let go = Atomics.load(words, GO); go !== sequence; go = Atomics.load(words, GO))
        Atomics.wait(words, GO, go);
    }
    slots[at.startNs] = nowNs();
    slots[at.successful] = run(operations);
    slots[at.endNs] = nowNs();
    Atomics.add(words, DONE, 1); // publish: pairs with the load of DONE in Contenders.run
    Atomics.notify(words, DONE);
  }
}

void main();
