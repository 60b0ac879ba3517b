// What a thread of the clock's tests does: reports where it takes its origin to be, or starts a ticker and stays.
import { parentPort, workerData } from 'node:worker_threads';
import { CoarseClock } from '../src/index.ts';
import { originMs } from './clock-origin.ts';

const clock = CoarseClock.attach(workerData.handle);
if (workerData.what === 'origin') parentPort!.postMessage(originMs(clock));
else parentPort!.postMessage(clock.startTicker().isTicking);
setInterval(() => {}, 1000);
