// Calls about threads, with what must hold for their results. The same for a thread with the addon and one without.
import { readdirSync } from 'node:fs';
import {
  affinity,
  currentCpu,
  nice,
  schedulingPolicy,
  setAffinity,
  setNice,
  setSchedulingPolicy,
  setThreadName,
  ThreadClock,
  threadCpuTimeNs,
  threadId,
  threadName,
} from '@corelane/platform';
import { type Callee, valueOf } from './calls.ts';

const NAME = 'bench-thread';

/** A thread of this process that is not the calling one. They all wait for work of Node's own, so nothing of what they do is in the way. */
function otherThread(): number {
  const own = valueOf(threadId());
  const found = readdirSync('/proc/self/task').map(Number);
  const other = found.find((tid) => tid !== own);
  if (other === undefined) throw new Error(`no thread but ${own} in this process`);
  return other;
}

function isSame(found: readonly number[], expected: readonly number[]): boolean {
  return found.length === expected.length && found.every((cpu, index) => cpu === expected[index]);
}

/** A clock that only goes forward, read once a call. */
function ticking(read: () => number): Callee {
  let last = read();
  const begin = last;
  return {
    call() {
      const ns = read();
      const isRight = ns >= last;
      last = ns;
      return isRight;
    },
    check: () => (last >= begin ? undefined : `from ${begin} to ${last} ns`),
  };
}

function clockOf(tid?: number): Callee {
  const clock = valueOf(ThreadClock.open(tid));
  return { ...ticking(() => clock.readNs()), close: () => clock[Symbol.dispose]() };
}

export const threadCallees = {
  threadId: () => {
    const own = valueOf(threadId());
    return { call: () => valueOf(threadId()) === own };
  },
  currentCpu: () => {
    const cpus = valueOf(affinity());
    return { call: () => cpus.includes(valueOf(currentCpu()).cpu) };
  },
  affinity: () => {
    const cpus = valueOf(affinity());
    return { call: () => isSame(valueOf(affinity()), cpus) };
  },
  setAffinity: () => {
    const cpus = valueOf(affinity());
    return {
      call: () => isSame(valueOf(setAffinity(cpus)), cpus),
      check: () => (isSame(valueOf(affinity()), cpus) ? undefined : 'another affinity than before'),
    };
  },
  setAffinityOfOther: () => {
    const tid = otherThread();
    const cpus = valueOf(affinity(tid));
    return {
      call: () => isSame(valueOf(setAffinity(cpus, tid)), cpus),
      check: () => (isSame(valueOf(affinity(tid)), cpus) ? undefined : 'another affinity than before'),
    };
  },
  nice: () => {
    const before = valueOf(nice());
    return { call: () => valueOf(nice()) === before };
  },
  setNice: () => {
    const before = valueOf(nice());
    return {
      call: () => valueOf(setNice(before)) === before,
      check: () => (valueOf(nice()) === before ? undefined : `nice ${valueOf(nice())}, expected ${before}`),
    };
  },
  schedulingPolicy: () => {
    const { policy } = valueOf(schedulingPolicy());
    return { call: () => valueOf(schedulingPolicy()).policy === policy };
  },
  setSchedulingPolicy: () => {
    const request = { policy: 'other' } as const;
    return {
      call: () => valueOf(setSchedulingPolicy(request)).policy === 'other',
      check: () => (valueOf(schedulingPolicy()).policy === 'other' ? undefined : 'another policy than set'),
    };
  },
  threadName: () => {
    const before = valueOf(threadName());
    return { call: () => valueOf(threadName()) === before };
  },
  setThreadName: () => {
    const before = valueOf(threadName());
    return {
      call: () => valueOf(setThreadName(NAME)) === NAME,
      check: () => (valueOf(threadName()) === NAME ? undefined : `the name ${valueOf(threadName())}`),
      close: () => void setThreadName(before),
    };
  },
  threadCpuTimeNs: () => ticking(() => valueOf(threadCpuTimeNs())),
  threadCpuTimeNsOfOther: () => {
    const tid = otherThread();
    return ticking(() => valueOf(threadCpuTimeNs(tid)));
  },
  threadClock: () => clockOf(),
  threadClockOfOther: () => clockOf(otherThread()),
} satisfies Record<string, () => Callee>;

export type ThreadCallee = keyof typeof threadCallees;
