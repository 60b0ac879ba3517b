// Blocks of 4 KiB read at random: promises, callbacks, batches and blocking calls, each in a process of its own, and a loop in C.
import type { BatchGroup, Claim } from '../../suite.ts';
import { SharedBlockFile } from './block-file.ts';
import { FILE_BLOCKS, FILE_BYTES } from './blocks.ts';
import { CPU, inC, inNode, taskCase } from './task-case.ts';

const RING = 'IoFile.read()';
const BATCH = 'IoBatch.run()';
const PROMISES = 'FileHandle.read()';
const PROMISES_16 = 'FileHandle.read(), 16 threads';
const RAW = 'C io_uring';

/** What a group of this kind and depth must reach. One at a time nothing is promised: it is the price of the way there and back. */
function claimsOf(direct: boolean, depth: number): readonly Claim[] {
  if (depth === 1) return [];
  const peers = [PROMISES, PROMISES_16];
  return [
    ...peers.map((of): Claim => ({ of, against: RING, atLeast: direct ? 1.4 : 3 })),
    ...peers.map((of): Claim => ({ of, against: RING, metric: CPU, atLeast: 4 })),
    { of: RAW, against: BATCH, atLeast: 0.9 },
  ];
}

function group(direct: boolean, depth: number): BatchGroup {
  const common = { depth, direct, bytes: FILE_BYTES, shared: new SharedBlockFile() };
  const raw = inC(({ path }) => `uring-open ${depth} ${FILE_BLOCKS} ${direct ? 1 : 0} ${path}`, 'uring-read');
  return {
    kind: 'batch',
    name: `${direct ? 'direct' : 'cached'}-${depth}`,
    title: `4 KiB read at random from ${FILE_BYTES / 2 ** 20} MiB ${direct ? 'with O_DIRECT' : 'in the page cache'}, ${depth} at a time`,
    note: `Every case in a process of its own, into shared memory; the first and the last word of each block are looked at. cpu: of that process with all its threads, for each read.${direct ? '' : ' The file is read as a whole before each batch.'}`,
    cases: [
      taskCase({ name: RING, role: 'ours' }, common, inNode('ring')),
      taskCase(
        {
          name: BATCH,
          role: 'ours',
          note: `runs of ${direct ? 2048 : depth}, ${depth} under way; blocks its thread; memory and file registered`,
        },
        common,
        inNode('batch'),
      ),
      taskCase(
        { name: PROMISES, role: 'peer', note: 'libuv’s pool of 4 threads' },
        common,
        inNode('promises'),
      ),
      taskCase(
        { name: PROMISES_16, role: 'peer', note: 'UV_THREADPOOL_SIZE=16' },
        common,
        inNode('promises', 16),
      ),
      taskCase({ name: 'fs.read()', role: 'peer', note: 'callbacks' }, common, inNode('callback')),
      taskCase({ name: 'fs.read(), 16 threads', role: 'peer' }, common, inNode('callback', 16)),
      taskCase(
        { name: 'fs.readSync()', role: 'peer', note: 'one at a time; blocks its thread' },
        common,
        inNode('sync'),
      ),
      taskCase(
        {
          name: RAW,
          role: 'limit',
          note: 'memory and file registered, each read begun again when it has completed',
        },
        common,
        raw,
      ),
    ],
    claims: claimsOf(direct, depth),
  };
}

const DEPTHS = [1, 32, 256];

export const randomReads: readonly BatchGroup[] = [false, true].flatMap((direct) =>
  DEPTHS.map((depth) => group(direct, depth)),
);
