/** A worker that has opened files, and has opens in the kernel's hands, when it is terminated; or one that has closed them all, by each way there is. */
import { parentPort, workerData } from 'node:worker_threads';
import { IoFile, IoRing } from '../src/index.ts';

const { name, how } = workerData as { name: string; how: 'open' | 'unseen' | 'ring closed' | 'closed' };
const ring = IoRing.open();
const full = IoRing.open({ entries: 1, onFull: 'refuse' });
const open = async (count: number, on = ring): Promise<IoFile[]> => {
  const files: IoFile[] = [];
  // eslint-disable-next-line no-await-in-loop -- one ring has room for one
  for (let index = 0; index < count; index++) files.push(await IoFile.open(on, name));
  return files;
};
const memory = new Uint8Array(new SharedArrayBuffer(1));
const files = await open(20);
if (how === 'unseen') {
  for (let index = 0; index < 20; index++) void IoFile.open(ring, name);
  // Behind the tick in which they go to the kernel.
  process.nextTick(() => {
    parentPort?.postMessage([]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // and nobody hears of them
  });
} else {
  if (how === 'ring closed') await ring.close();
  if (how === 'closed') {
    const numbers = files.map((file) => file.fd);
    const [first, second] = (await open(2, full)) as [IoFile, IoFile];
    await Promise.all(files.slice(0, 10).map((file) => file.close()));
    await ring.close();
    await Promise.all(files.slice(10).map((file) => file.close()));
    const busy = [first, second].map((file) => file.read(memory).catch(() => 0)); // the ring is full
    await Promise.all([first.close(), second.close(), ...busy]);
    parentPort?.postMessage([...numbers, first.fd, second.fd]);
  } else parentPort?.postMessage([]);
  setInterval(() => {}, 1e6);
}
