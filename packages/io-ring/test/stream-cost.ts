// What large reads and copies cost against node:fs, as ratios of one run: `node --conditions=@corelane/source test/stream-cost.ts [MiB [rounds]]` here.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BufferPool } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';
import { copy, IoFile, IoRing } from '../src/index.ts';

const MIB = 1 << 20;
const FILE_BYTES = Number(process.argv[2] ?? 256) * MIB;
const ROUNDS = Number(process.argv[3] ?? 5);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-stream-'));
const name = path.join(folder, 'file');
const target = path.join(folder, 'target');
const block = Buffer.alloc(MIB, 'some bytes that are not zeros');
const made = fs.openSync(name, 'w');
for (let at = 0; at < FILE_BYTES; at += MIB) fs.writeSync(made, block);
fs.closeSync(made);

const ring = IoRing.open();
const file = await IoFile.open(ring, name);

async function sum(stream: AsyncIterable<{ readonly length: number }>): Promise<number> {
  let bytes = 0;
  for await (const { length } of stream) bytes += length;
  return bytes;
}

function poolOf(kib: number, buffers: number): BufferPool {
  const arena = Arena.create({ bytes: ((kib * buffers) << 10) + MIB });
  return BufferPool.create(arena, { buffers, bufferBytes: kib << 10 });
}

const cases: Record<string, () => Promise<number>> = {
  createReadStream: () => sum(fs.createReadStream(name)),
  'createReadStream, 1 MiB': () => sum(fs.createReadStream(name, { highWaterMark: MIB })),
  'chunks, the ring’s own': () => sum(file.chunks()),
  'file.createReadStream': () => sum(file.createReadStream({ autoClose: false })),
  'readSync, 256 KiB': async () => {
    let bytes = 0;
    for (const view = Buffer.alloc(256 << 10); ;) {
      const got = fs.readSync(file.fd, view, 0, view.length, bytes);
      if (got === 0) return bytes;
      bytes += got;
    }
  },
  'copy, kernel': async () => (await copy(ring, name, target)).bytes,
  'copy, buffers': async () => (await copy(ring, name, target, { way: 'buffers' })).bytes,
};
for (const [kib, readAhead] of [
  [64, 8],
  [128, 4],
  [128, 8],
  [256, 2],
  [256, 4],
  [256, 8],
  [512, 2],
  [512, 4],
  [1024, 2],
] as const) {
  const pool = poolOf(kib, readAhead + 1);
  cases[`chunks, ${readAhead} × ${kib} KiB`] = () => sum(file.chunks({ pool, readAhead }));
}

console.log(
  `${ring.backend.kind}: ${ring.backend.reason}; ${FILE_BYTES / MIB} MiB, cached, median of ${ROUNDS}`,
);
const times = new Map<string, number[]>();
const cpu = new Map<string, number>();
for (let round = -1; round < ROUNDS; round++)
  for (const [what, run] of Object.entries(cases)) {
    fs.rmSync(target, { force: true });
    const before = process.cpuUsage();
    const started = performance.now();
    // eslint-disable-next-line no-await-in-loop
    if ((await run()) !== FILE_BYTES) throw new Error(`${what}: not the whole file`);
    const took = performance.now() - started;
    const { user, system } = process.cpuUsage(before);
    if (round < 0) continue; // warms up
    times.set(what, [...(times.get(what) ?? []), took]);
    cpu.set(what, (cpu.get(what) ?? 0) + (user + system) / 1000 / ROUNDS);
  }
const median = (what: string): number => (times.get(what) ?? []).toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0;
for (const what of times.keys())
  console.log(
    what.padEnd(24),
    `${(FILE_BYTES / median(what) / 1e6).toFixed(2)} GB/s`.padStart(12),
    `${(median('createReadStream') / median(what)).toFixed(1)} ×`.padStart(8),
    `${(cpu.get(what) ?? 0).toFixed(0)} ms CPU`.padStart(12),
  );
await file.close();
await ring.close();
fs.rmSync(folder, { recursive: true });
