// Preloaded into workers: time goes by because it is looked at, a microsecond for each look of any of them, and CPU time by the looks of one's own. So a poll takes as long as its
// test says, whatever else the machine does meanwhile; what spins until some time need not know. `workerData` has the clock, in the first word of COUNTS. Not for what sleeps.
import { workerData } from 'node:worker_threads';
import { COUNTS } from './words.ts';

const START_US = 1_000_000;
const words = workerData as Int32Array;
let own = 0;

function lookUs(): number {
  own++;
  return START_US + Atomics.add(words, COUNTS, 1);
}

performance.now = (): number => lookUs() / 1e3;
// Threads agree on the time by this one.
process.hrtime = Object.assign((): [number, number] => {
  const us = lookUs();
  return [Math.floor(us / 1e6), (us % 1e6) * 1e3];
}, process.hrtime);
if ('threadCpuUsage' in process) {
  const threadCpuUsage = (): { user: number; system: number } => ({ user: ++own, system: 0 });
  Object.assign(process, { threadCpuUsage });
}
