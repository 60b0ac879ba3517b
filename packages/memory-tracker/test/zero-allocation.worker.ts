import { parentPort } from 'node:worker_threads';
import { expectZeroAllocation } from '../src/index.ts';

const words = new Int32Array(8);
const slots: unknown[] = ['any'];
let code: unknown;
try {
  expectZeroAllocation((i) => void (slots[0] = i + 0.5));
} catch (error) {
  code = (error as { code?: string }).code;
}
parentPort?.postMessage({
  nothing: expectZeroAllocation(() => void Atomics.add(words, 0, 1)) < 0.1,
  box: code,
});
