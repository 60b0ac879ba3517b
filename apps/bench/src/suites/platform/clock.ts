// The CPU clock of a thread: this one's, which Node has since 23.9, and another one's, which nothing else has.
import { type BatchCase, type BatchGroup, BYTES_PER_OP } from '../../suite.ts';
import { NotMeasurableError } from '../../errors.ts';
import { calling, empty, inC } from './calls.ts';
import { threadCallees } from './thread-callees.ts';
import { withoutAddon } from './without-addon.ts';

const CALL = 'threadCpuTimeNs()';
const READER = 'ThreadClock.readNs()';
const OTHER = 'threadCpuTimeNs(tid)';
const OTHER_READER = 'ThreadClock.readNs() of tid';
const USAGE = 'process.threadCpuUsage()';
const C_OWN = 'C clock_gettime, own thread';
const C_OTHER = 'C clock_gettime, other thread';
const C_OTHER_CHECKED = 'C tgkill and clock_gettime, other thread';

type Usage = () => { readonly user: number; readonly system: number };

/** A clock of Node's that only goes forward. */
function clock(name: string, open: () => () => number, note?: string): BatchCase {
  return calling(
    name,
    'peer',
    () => {
      const read = open();
      let last = read();
      return {
        call() {
          const now = read();
          const isRight = now >= last;
          last = now;
          return isRight;
        },
        check: () => (last > 0 ? undefined : `the clock stands at ${last}`),
      };
    },
    { allocation: true, ...(note === undefined ? {} : { note }) },
  );
}

function threadCpuUsage(): () => number {
  const { threadCpuUsage: usage } = process as { threadCpuUsage?: Usage };
  if (usage === undefined)
    throw new NotMeasurableError(`Node ${process.versions.node} has no process.threadCpuUsage (23.9)`);
  const bound = usage.bind(process);
  return () => {
    const { user, system } = bound();
    return user + system;
  };
}

export const clocks: BatchGroup = {
  kind: 'batch',
  name: 'clock',
  title: 'CPU time of a thread',
  note: 'Another thread: one of Node’s own that waits. Its clock answers without asking a running CPU.',
  cases: [
    calling(READER, 'ours', threadCallees.threadClock, { allocation: true }),
    calling(CALL, 'ours', threadCallees.threadCpuTimeNs, { allocation: true }),
    clock(USAGE, threadCpuUsage, 'this thread only, in microseconds, user and system apart'),
    inC(C_OWN, 'clock:own'),
    calling(OTHER_READER, 'ours', threadCallees.threadClockOfOther, { allocation: true }),
    calling(OTHER, 'ours', threadCallees.threadCpuTimeNsOfOther, { allocation: true }),
    inC(C_OTHER, 'clock:other', { against: OTHER_READER }),
    inC(C_OTHER_CHECKED, 'clock:other+tgkill', {
      against: OTHER,
      note: 'as threadCpuTimeNs(tid), which asks first whether the id is one of this process',
    }),
    withoutAddon('threadClock', READER),
    withoutAddon('threadClockOfOther', OTHER_READER),
    clock('process.cpuUsage()', () => () => process.cpuUsage().user, 'all threads of the process together'),
    clock('performance.now()', () => () => performance.now(), 'time that passed, not CPU time'),
    clock('process.hrtime.bigint()', () => () => Number(process.hrtime.bigint()), 'time that passed'),
    inC('C clock_gettime, process', 'clock:process'),
    inC('C clock_gettime, monotonic', 'clock:monotonic', { note: 'does not enter the kernel' }),
    empty,
  ],
  claims: [
    { of: READER, against: C_OWN, atMost: 1.5 },
    { of: OTHER_READER, against: C_OTHER, atMost: 1.5 },
    { of: READER, metric: BYTES_PER_OP, atMost: 0 },
    { of: OTHER_READER, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
