// A file in the page cache from its start to its end.
import type { BatchGroup } from '../../suite.ts';
import { SharedBlockFile } from './block-file.ts';
import { FILE_BYTES } from './blocks.ts';
import { STEP_BYTES } from './pass-tasks.ts';
import { inC, inNode, taskCase } from './task-case.ts';

const CHUNKS = 'IoFile.chunks()';
const CHUNKS_LARGE = 'IoFile.chunks(), 1 MiB';
const STREAM = 'fs.createReadStream()';
function group(name: string, bytes: number): BatchGroup {
  const common = { depth: 1, direct: false, bytes, rated: true, shared: new SharedBlockFile() };
  return {
    kind: 'batch',
    name,
    title: `${bytes / 2 ** 20} MiB in the page cache, from start to end`,
    note: `An operation is a whole pass. Every case in a process of its own; one word of each ${STEP_BYTES / 1024} KiB is looked at.`,
    cases: [
      taskCase(
        { name: CHUNKS, role: 'ours', note: 'with its own buffers of 512 KiB, 4 reads ahead' },
        common,
        inNode('chunks'),
      ),
      taskCase(
        { name: CHUNKS_LARGE, role: 'ours', note: 'with a BufferPool of 4 buffers of 1 MiB, 3 reads ahead' },
        common,
        inNode('chunks-large'),
      ),
      taskCase(
        { name: 'IoFile.createReadStream()', role: 'ours', note: 'a Readable, whose chunks are copies' },
        common,
        inNode('ring-stream'),
      ),
      taskCase({ name: STREAM, role: 'peer', note: '64 KiB at a time, events' }, common, inNode('stream')),
      taskCase(
        { name: 'fs.createReadStream(), 1 MiB', role: 'peer', note: 'highWaterMark of 1 MiB, events' },
        common,
        inNode('stream-large'),
      ),
      taskCase(
        { name: 'FileHandle.read(), 1 MiB', role: 'peer', note: 'into the same buffer each time' },
        common,
        inNode('handle'),
      ),
      taskCase(
        { name: 'fs.readSync(), 1 MiB', role: 'peer', note: 'the same, blocking its thread' },
        common,
        inNode('pass-sync'),
      ),
      taskCase(
        { name: 'C pread()', role: 'limit', note: '1 MiB at a time' },
        common,
        inC(({ path }) => `pass-open ${bytes} ${path}`, 'pass'),
      ),
    ],
    claims: [CHUNKS, CHUNKS_LARGE].map((against) => ({ of: STREAM, against, atLeast: 10 })),
  };
}

/** More than the caches of the processor hold, and what they may: then it is not memory that bounds all alike. */
export const sequential: readonly BatchGroup[] = [
  group('sequential', FILE_BYTES),
  group('sequential-small', 8 << 20),
];
