// Prints what parking costs: node --conditions=@corelane/source packages/platform/test/interrupt-cost.ts [parks]     (Node 24 or later)
// One worker spins in JavaScript, another idles; this thread parks and resumes each, and then terminates parked ones.
import process from 'node:process';
import { park, parkAsync, resume } from '../src/experimental.ts';
import { loadNative } from '../src/native.ts';
import { ParkedWorker, value } from './parked-worker.ts';

const parks = Number(process.argv[2] ?? 2000);
const TERMINATIONS = 20;

function print(name: string, unit: string, samples: number[]): void {
  samples.sort((a, b) => a - b);
  const at = (quantile: number): string =>
    (samples[Math.floor(quantile * (samples.length - 1))] ?? 0).toFixed(1);
  // A percentile needs 10 samples beyond it.
  const tail = samples.length >= 1000 ? `p99 ${at(0.99)}, ` : '';
  console.log(`${name}: p50 ${at(0.5)}, ${tail}max ${at(1)} ${unit} of ${samples.length}`);
}

/** Until the work goes on: from here, by looking all the time. */
function untilMoves(worker: ParkedWorker, from: number): number {
  const { steps } = worker;
  while (worker.steps === steps);
  return (performance.now() - from) * 1000;
}

if (loadNative().addon === null) {
  console.log(`nothing to measure: ${loadNative().reason}`);
} else {
  const options = { timeoutMs: 10_000, requestTimeoutMs: 10_000 };
  {
    await using worker = await ParkedWorker.start('spin');
    const parked: number[] = [];
    const call: number[] = [];
    const resumed: number[] = [];
    for (let n = 0; n < parks; n++) {
      const before = performance.now();
      const answer = value(park(worker.ticket, options));
      call.push((performance.now() - before) * 1000);
      parked.push(answer.latencyNs / 1000);
      const from = performance.now();
      resume(answer);
      resumed.push(untilMoves(worker, from));
    }
    print('park a worker that spins, until it stands', 'us', parked);
    print('park, until the call returns', 'us', call);
    print('resume, until the worker goes on', 'us', resumed);
    const turns: number[] = [];
    for (let n = 0; n < parks / 10; n++) {
      const before = performance.now();
      const answer = value(await parkAsync(worker.ticket, options));
      turns.push((performance.now() - before) * 1000);
      resume(answer);
    }
    print('parkAsync, until it resolves', 'us', turns);
  }
  {
    await using worker = await ParkedWorker.start('idle');
    const parked: number[] = [];
    for (let n = 0; n < parks / 10; n++) {
      const answer = value(park(worker.ticket, options));
      parked.push(answer.latencyNs / 1000);
      resume(answer);
    }
    print('park a worker that idles', 'us', parked);
  }
  {
    const times: number[] = [];
    for (let n = 0; n < TERMINATIONS; n++) {
      await using worker = await ParkedWorker.start('spin');
      value(park(worker.ticket, options));
      const before = performance.now();
      await worker.worker.terminate();
      times.push(performance.now() - before);
    }
    print('terminate() of a parked worker', 'ms', times);
  }
  {
    const times: number[] = [];
    for (let n = 0; n < TERMINATIONS; n++) {
      await using worker = await ParkedWorker.start('spin');
      const before = performance.now();
      await worker.worker.terminate();
      times.push(performance.now() - before);
    }
    print('terminate() of a running worker', 'ms', times);
  }
  const idle = await cpuOf('none');
  const parked = await cpuOf('parked');
  console.log(
    `CPU of this process: ${idle.toFixed(2)} % of a core, with a parked worker ${parked.toFixed(2)} %`,
  );
}

/** What standing still costs: the worker looks every 5 ms whether its environment stops. */
async function cpuOf(state: 'none' | 'parked'): Promise<number> {
  await using worker = await ParkedWorker.start('idle');
  if (state === 'parked') value(park(worker.ticket, { timeoutMs: 10_000, requestTimeoutMs: 10_000 }));
  await new Promise((resolve) => setTimeout(resolve, 200)); // what starting left behind
  const before = process.cpuUsage();
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const used = process.cpuUsage(before);
  return ((used.user + used.system) / 1000 / (performance.now() - from)) * 100;
}
