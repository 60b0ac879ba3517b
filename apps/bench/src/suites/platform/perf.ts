// Reading counters: by every tier that this machine has, against read(2) of the same in C.
import { type BatchGroup, BYTES_PER_OP } from '../../suite.ts';
import { calling, empty, inC } from './calls.ts';
import { perfCallees } from './perf-callees.ts';
import { withoutAddon } from './without-addon.ts';

const READ_INTO = 'readInto(), 4 events';
const PROCESS = 'readInto(), process';
const C_GROUP = 'C read(2) of a group of 4';

export const perfReads: BatchGroup = {
  kind: 'batch',
  name: 'perf',
  title: 'Reading counters of the calling thread: clock, page faults, switches, migrations',
  cases: [
    calling(READ_INTO, 'ours', perfCallees.perfThread, { allocation: true }),
    calling('read(), 4 events', 'ours', perfCallees.perfThreadObject, {
      allocation: true,
      note: 'an object with the tier and the reason of each',
    }),
    calling('readInto(), 11 events', 'ours', perfCallees.perfThreadAll, {
      note: 'with those of the processor, where it has them',
    }),
    calling('readInto(), cycles by rdpmc', 'ours', perfCallees.perfRdpmc, {
      note: 'cycles and instructions, no system call',
    }),
    calling('readInto(), cycles by a group', 'ours', perfCallees.perfGroup, {
      note: 'cycles and instructions, one read(2)',
    }),
    inC(C_GROUP, 'perf:group'),
    inC('C read(2) of one counter', 'perf:single'),
    withoutAddon('perfThread', READ_INTO),
    inC('C pread of schedstat', 'schedstat', { note: 'the clock alone, as text' }),
    calling(PROCESS, 'ours', perfCallees.perfProcess, { note: 'all threads of the process together' }),
    withoutAddon('perfProcess', PROCESS),
    calling(
      'process.resourceUsage()',
      'peer',
      () => {
        let last = 0;
        return {
          call() {
            const { userCPUTime, systemCPUTime, minorPageFault } = process.resourceUsage();
            const sum = userCPUTime + systemCPUTime + minorPageFault;
            const isRight = sum >= last;
            last = sum;
            return isRight;
          },
          check: () => (last > 0 ? undefined : 'nothing was used'),
        };
      },
      { allocation: true, against: PROCESS, note: 'of the process, no migrations' },
    ),
    empty,
  ],
  claims: [{ of: READ_INTO, metric: BYTES_PER_OP, atMost: 0 }],
};
