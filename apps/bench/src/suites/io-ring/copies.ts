// A whole file copied to a new one.
import type { BatchGroup } from '../../suite.ts';
import { SharedBlockFile } from './block-file.ts';
import { FILE_BYTES } from './blocks.ts';
import { inNode, taskCase } from './task-case.ts';

const COPY = 'copy()';
const THROUGH_BUFFERS = "copy(), way: 'buffers'";
const COPY_FILE = 'fs.promises.copyFile()';
const STREAMS = 'pipeline() of fs streams';
const common = { depth: 1, direct: false, bytes: FILE_BYTES, rated: true, shared: new SharedBlockFile() };

export const copies: BatchGroup = {
  kind: 'batch',
  name: 'copy',
  title: `${FILE_BYTES / 2 ** 20} MiB in the page cache copied to a new file`,
  note: 'Every case in a process of its own. Each copy is looked at as a whole and removed with the clock stopped; nothing is synced.',
  cases: [
    taskCase({ name: COPY, role: 'ours', note: 'which lets the kernel do it' }, common, inNode('copy')),
    taskCase(
      { name: THROUGH_BUFFERS, role: 'ours', note: 'can be stopped, and tells its progress' },
      common,
      inNode('copy-buffers'),
    ),
    taskCase({ name: COPY_FILE, role: 'peer' }, common, inNode('copy-file')),
    taskCase({ name: STREAMS, role: 'peer' }, common, inNode('copy-streams')),
    taskCase(
      { name: 'FileHandle read() and write()', role: 'peer', note: '1 MiB, in turn' },
      common,
      inNode('copy-handles'),
    ),
  ],
  claims: [
    { of: COPY_FILE, against: COPY, atLeast: 0.9 },
    { of: STREAMS, against: THROUGH_BUFFERS, atLeast: 1 },
  ],
};
