/** A thread with operations in flight: as a worker until it is terminated, as a process until it ends in the way that it is told. */
import fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { IoBatch, IoFile, IoRing } from '../src/index.ts';

if (parentPort === null) {
  const [, , end, name] = process.argv;
  const ring = IoRing.open();
  const file = await IoFile.open(ring, name ?? '');
  const memory = new Uint8Array(new SharedArrayBuffer(1 << 16));
  const reads = Array.from({ length: 100 }, () => file.read(memory, { position: 0 }));
  if (end === 'exit') process.exit(7);
  if (end === 'throw') throw new Error('on purpose');
  await Promise.all(reads); // and neither is closed: a ring with nothing to do keeps nobody alive
} else {
  const { fd, memory, batch } = workerData as { fd: number; memory: Uint8Array; batch: boolean };
  const ring = IoRing.open();
  if (batch) {
    const many = IoBatch.open();
    for (let index = 0; index < 64; index++) many.read(fd, memory.subarray(index, index + 1), 0);
    void many.runAsync();
  }
  const file = await IoFile.open(ring, `/proc/self/fd/${fd}`, fs.constants.O_RDWR).catch(() =>
    IoFile.open(ring, `/dev/fd/${fd}`),
  );
  for (let index = 0; index < 64; index++)
    file.read(memory.subarray(index, index + 1)).catch(() => undefined);
  setImmediate(() => parentPort?.postMessage('busy'));
}
