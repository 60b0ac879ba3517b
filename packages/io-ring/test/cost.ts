// What the ring costs against node:fs, as ratios of one run: `node --conditions=@corelane/source test/cost.ts` in this folder's package.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { IoBatch, IoFile, IoRing } from '../src/index.ts';

const FILE_BYTES = 64 << 20;
const BLOCK = 4096;
const OPERATIONS = 20_000;
const ROUNDS = 3;

const name = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-cost-')), 'file');
fs.writeFileSync(name, Buffer.alloc(FILE_BYTES, 1));
const memory = new Uint8Array(new SharedArrayBuffer(256 * BLOCK));
const position = (index: number): number => ((index * 7919) % (FILE_BYTES / BLOCK)) * BLOCK;
const ring = IoRing.open();
const file = await IoFile.open(ring, name);
const handle = await fs.promises.open(name);
const batch = IoBatch.open({ operations: 256, memory });

type Read = (index: number, view: Uint8Array) => Promise<{ bytesRead: number } | number>;

/** `depth` loops of awaited reads. */
const loops = (depth: number, read: Read) => async (): Promise<void> => {
  let next = 0;
  const loop = async (lane: number): Promise<void> => {
    const view = memory.subarray(lane * BLOCK, (lane + 1) * BLOCK);
    while (next < OPERATIONS) {
      const answer = await read(next++, view);
      if ((typeof answer === 'number' ? answer : answer.bytesRead) !== BLOCK) throw new Error('a short read');
    }
  };
  await Promise.all(Array.from({ length: depth }, (_, lane) => loop(lane)));
};
const ringRead: Read = (index, view) => file.read(view, { position: position(index) });
const handleRead: Read = (index, view) => handle.read(view, 0, BLOCK, position(index));

const cases: Record<string, () => Promise<void>> = {
  'fs.promises, 1 at a time': loops(1, handleRead),
  'ring, 1 at a time': loops(1, ringRead),
  'fs.promises, 32 at a time': loops(32, handleRead),
  'ring, 32 at a time': loops(32, ringRead),
  'fs.promises, 256 at a time': loops(256, handleRead),
  'ring, 256 at a time': loops(256, ringRead),
  'batch of 256, blocking': async () => {
    for (let at = 0; at < OPERATIONS; at += 256) {
      for (let lane = 0; lane < 256; lane++)
        batch.read(file.fd, memory.subarray(lane * BLOCK, (lane + 1) * BLOCK), position(at + lane));
      if (batch.run() !== 256) throw new Error('a read failed');
    }
  },
  readSync: async () => {
    const view = memory.subarray(0, BLOCK);
    for (let at = 0; at < OPERATIONS; at++) fs.readSync(file.fd, view, 0, BLOCK, position(at));
  },
};

console.log(
  `${ring.backend.kind}: ${ring.backend.reason}; ${OPERATIONS} cached reads of ${BLOCK} bytes, best of ${ROUNDS}`,
);
const best = new Map<string, { perSecond: number; cpuUs: number }>();
for (let round = 0; round < ROUNDS; round++)
  for (const [title, run] of Object.entries(cases)) {
    const cpu = process.cpuUsage();
    const started = performance.now();
    await run();
    const perSecond = OPERATIONS / ((performance.now() - started) / 1000);
    const { user, system } = process.cpuUsage(cpu);
    if (perSecond > (best.get(title)?.perSecond ?? 0))
      best.set(title, { perSecond, cpuUs: (user + system) / OPERATIONS });
  }
for (const [title, { perSecond, cpuUs }] of best) {
  const other = best.get(title.replace(/^ring/, 'fs.promises'));
  const ratio =
    title.startsWith('ring') && other ? `  ${(perSecond / other.perSecond).toFixed(1)} × fs.promises` : '';
  console.log(
    `${title.padEnd(28)} ${(perSecond / 1000).toFixed(0).padStart(5)} k/s ${cpuUs.toFixed(1).padStart(5)} µs CPU${ratio}`,
  );
}
await file.close();
await handle.close();
await ring.close();
batch.close();
fs.rmSync(path.dirname(name), { recursive: true });
