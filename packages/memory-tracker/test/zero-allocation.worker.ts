import { parentPort, workerData } from 'node:worker_threads';
import { expectZeroAllocation, measureAllocation, trackGc } from '../src/index.ts';
import { collectGarbage } from './collect-garbage.ts';

const words = new Int32Array(8);
const slots: unknown[] = ['any'];
const items = Array.from({ length: 32_000 }, (_, i) => i);
if (workerData === 'gc') {
  const gc = trackGc(); // `using` is not for Node 22
  for (let i = 0; i < 1e6; i++) slots[0] = [i];
  parentPort?.postMessage(gc.stop().count);
} else {
  let code: unknown;
  try {
    expectZeroAllocation((i) => void (slots[0] = i + 0.5));
  } catch (error) {
    code = (error as { code?: string }).code;
  }
  const greedy = (): void => {
    slots[0] = items.slice();
    collectGarbage('major');
  };
  parentPort?.postMessage({
    greedyBytes: measureAllocation(greedy, { iterations: 1, warmup: 0 }).bytesPerOperation,
    nothing: expectZeroAllocation(() => void Atomics.add(words, 0, 1)) < 0.1,
    box: code,
  });
}
