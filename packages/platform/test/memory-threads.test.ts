/** What the calls do to memory that other threads are using. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
import { memoryPolicy, pageBytes, prefaultMemory, residency } from '../src/index.ts';
import { loadNative } from '../src/native.ts';
import { freshRange, numa, valueOf } from './memory-buffers.ts';
import { native } from './native-mode.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const WRITER = `
const { parentPort, workerData: { words, stride, state } } = require('node:worker_threads');
Atomics.store(state, 0, 1);
Atomics.notify(state, 0);
let rounds = 0;
do {
  for (let index = 0; index < words.length; index += stride) words[index] = words[index] + 1;
  rounds++;
} while (Atomics.load(state, 1) === 0);
parentPort.postMessage(rounds);
`;

/** A thread counts up plainly in the first word of each page, while `call` runs again and again. @returns whether no count was lost */
async function countsSurvive(
  pages: number,
  calls: number,
  call: (range: Uint8Array) => void,
): Promise<boolean> {
  const range = freshRange(pages * pageBytes());
  const words = new Int32Array(range.buffer, range.byteOffset, range.byteLength / 4);
  const stride = pageBytes() / 4;
  const state = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(WRITER, { eval: true, workerData: { words, stride, state } });
  const answer = once(worker, 'message') as Promise<[number]>;
  await Atomics.waitAsync(state, 0, 0).value;
  for (let round = 0; round < calls; round++) call(range);
  Atomics.store(state, 1, 1);
  const [rounds] = await answer;
  await worker.terminate();
  return words.every((count, index) => count === (index % stride === 0 ? rounds | 0 : 0));
}

it.runIf(native)('prefaulting keeps what another thread writes meanwhile', async () => {
  expect(await countsSurvive(16, 1000, (range) => valueOf(prefaultMemory(range)))).toBe(true);
});

// As many pages and calls: a touch that was not atomic lost 50 to 100 counts here, and none on fewer pages.
it.runIf(native)(
  'touching keeps what another thread writes to the same byte',
  { timeout: 60_000 },
  async () => {
    const { addon } = loadNative();
    const touch = (range: Uint8Array): unknown => addon?.memoryTouch(range, 0, range.byteLength, 1);
    expect(await countsSurvive(64, 30_000, touch)).toBe(true);
  },
);

it.runIf(numa)('a range is the same pages for every thread', async () => {
  const range = freshRange(4 * pageBytes());
  const source = new URL('../src/index.ts', import.meta.url).href;
  const code = `const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(source)}).then(({ interleaveMemory, prefaultMemory }) => {
      const half = workerData.subarray(0, workerData.byteLength / 2);
      parentPort.postMessage([interleaveMemory(half, [0]).status, prefaultMemory(half).status]);
    })`;
  const worker = new Worker(code, {
    eval: true,
    execArgv: ['--conditions=@corelane/source'],
    workerData: range,
  });
  expect(await once(worker, 'message')).toEqual([['verified', 'verified']]);
  await worker.terminate();
  expect(valueOf(memoryPolicy(range)).map(({ mode }) => mode)).toEqual(['interleave', 'default']);
  expect(valueOf(residency(range)).residentPages).toBe(2);
});
