// Calls about the calling thread and another one, against the same system calls in C.
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { calling, empty, inC } from './calls.ts';
import { type ThreadCallee, threadCallees } from './thread-callees.ts';
import { withoutAddon } from './without-addon.ts';

interface Compared {
  readonly name: string;
  readonly callee: ThreadCallee;
  /** The bare system call, of native/threads.c. */
  readonly bare: string;
  /** The same with what ours does beside it: the result read back, the thread looked up. */
  readonly checked?: string;
  /** Whether there is a way without the addon. */
  readonly hasFallback: boolean;
}

function compare({ name, callee, bare, checked, hasFallback }: Compared): BatchCase[] {
  return [
    calling(name, 'ours', threadCallees[callee]),
    inC(`C ${bare}`, bare, { against: name }),
    ...(checked === undefined ? [] : [inC(`C ${checked}`, checked, { against: name })]),
    ...(hasFallback ? [withoutAddon(callee, name)] : []),
  ];
}

export const threadReads: BatchGroup = {
  kind: 'batch',
  name: 'threads',
  title: 'Asking about the calling thread, against the same system calls in C',
  note: 'Each is compared with the case of ours that it belongs to. Without the addon: on a worker with CORELANE_NO_NATIVE=1, by files of /proc.',
  cases: [
    ...compare({ name: 'threadId()', callee: 'threadId', bare: 'gettid', hasFallback: true }),
    ...compare({ name: 'currentCpu()', callee: 'currentCpu', bare: 'getcpu', hasFallback: true }),
    ...compare({ name: 'affinity()', callee: 'affinity', bare: 'sched_getaffinity', hasFallback: true }),
    ...compare({ name: 'nice()', callee: 'nice', bare: 'getpriority', hasFallback: true }),
    ...compare({
      name: 'schedulingPolicy()',
      callee: 'schedulingPolicy',
      bare: 'sched_getscheduler',
      hasFallback: true,
    }),
    // A file of /proc with the addon too.
    ...compare({ name: 'threadName()', callee: 'threadName', bare: 'PR_GET_NAME', hasFallback: false }),
    empty,
  ],
};

export const threadWrites: BatchGroup = {
  kind: 'batch',
  name: 'threads-set',
  title: 'Setting what the thread has already, against the same system calls in C',
  note: 'Ours reads back what it has set, and looks up a thread id before it uses it; so does C where the name has a +.',
  cases: [
    ...compare({
      name: 'setAffinity()',
      callee: 'setAffinity',
      bare: 'sched_setaffinity',
      checked: 'sched_setaffinity+get',
      hasFallback: false,
    }),
    ...compare({
      name: 'setAffinity(tid)',
      callee: 'setAffinityOfOther',
      bare: 'sched_setaffinity:other',
      checked: 'sched_setaffinity+get:other',
      hasFallback: false,
    }),
    ...compare({
      name: 'setNice()',
      callee: 'setNice',
      bare: 'setpriority',
      checked: 'setpriority+get',
      hasFallback: true,
    }),
    ...compare({
      name: 'setSchedulingPolicy()',
      callee: 'setSchedulingPolicy',
      bare: 'sched_setscheduler',
      checked: 'sched_setscheduler+get',
      hasFallback: false,
    }),
    ...compare({
      name: 'setThreadName()',
      callee: 'setThreadName',
      bare: 'PR_SET_NAME',
      checked: 'PR_SET_NAME+get',
      hasFallback: false,
    }),
    empty,
  ],
};
