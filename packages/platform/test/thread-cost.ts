// Prints what calls about threads cost: node --conditions=@corelane/source packages/platform/test/thread-cost.ts
import {
  affinity,
  currentCpu,
  nice,
  place,
  schedulingPolicy,
  setAffinity,
  setNice,
  ThreadClock,
  threadCpuTimeNs,
  threadId,
  threadName,
  threads,
  Topology,
} from '@corelane/platform';
import type { Answer } from '@corelane/platform';
import { loadNative } from '../src/native.ts';

const ROUNDS = 7;

/** CPU time of this thread where Node has it, so that a busy machine changes little. */
const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
function nowNs(): number {
  if (threadCpuUsage === undefined) return Number(process.hrtime.bigint());
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) * 1000;
}

function report(name: string, calls: number, call: () => unknown): void {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = nowNs();
    for (let done = 0; done < calls; done++) call();
    rounds.push((nowNs() - before) / calls);
  }
  rounds.sort((a, b) => a - b);
  const [least = 0, median = 0] = [rounds[0], rounds[ROUNDS >> 1]];
  console.log(`${name}: ${median.toFixed(0)} ns (least ${least.toFixed(0)}), ${ROUNDS} rounds of ${calls}`);
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.status !== 'verified') throw new Error(answer.reason);
  return answer.value;
}

const { addon, reason } = loadNative();
console.log(`Node ${process.version}; ${reason}`);
const cell = new Float64Array(1);
using clock = valueOf(ThreadClock.open());
if (addon !== null) {
  report('raw: one call that does a system call (gettid)', 200_000, () => addon.threadId());
  report('raw: CPU clock', 200_000, () => addon.threadCpuTimeNs(0));
}
report('ThreadClock.readInto', 100_000, () => clock.readInto(cell, 0));
report('ThreadClock.readNs', 100_000, () => clock.readNs());
report('threadCpuTimeNs()', 50_000, () => threadCpuTimeNs());
if (threadCpuUsage !== undefined)
  report('process.threadCpuUsage()', 50_000, () => threadCpuUsage.call(process));
report('threadId', 50_000, () => threadId());
report('currentCpu', 50_000, () => currentCpu());
report('affinity', 20_000, () => affinity());
report('nice', 20_000, () => nice());
report('schedulingPolicy', 20_000, () => schedulingPolicy());
report('threadName', 2000, () => threadName());
report('threads', 200, () => threads());
const tid = valueOf(threadId());
const own = valueOf(affinity());
if (addon !== null) report('setAffinity(tid), read back', 5000, () => setAffinity(own, tid));
const current = valueOf(nice());
report('setNice(tid), read back', 5000, () => setNice(current, tid));
const topology = Topology.read();
report('place, 64 threads', 500, () => place(topology, { policy: 'spread', threads: 64 }));
