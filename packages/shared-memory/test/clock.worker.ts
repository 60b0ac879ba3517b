// What a thread of the clock's tests does: reports its exact time, or starts a ticker and stays.
import { parentPort, workerData } from 'node:worker_threads';
import { CoarseClock } from '../src/index.ts';

const clock = CoarseClock.attach(workerData.handle);
if (workerData.what === 'exact')
  parentPort!.postMessage({ hrtimeMs: Number(process.hrtime.bigint()) / 1e6, elapsedMs: clock.elapsedMs() });
else parentPort!.postMessage(clock.startTicker().isTicking);
setInterval(() => {}, 1000);
