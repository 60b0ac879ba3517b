// What profiles and frames cost; prints the figures of the README. `npm run profile-costs`.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { layoutFlameGraph } from '../src/profiles/flame-graph.ts';
import {
  mergeProfiles,
  profileWorker,
  startProfile,
  toFlameGraphSvg,
  toSpeedscope,
  type CpuProfile,
} from '../src/profiles/index.ts';
import { render } from '../src/top/frame.ts';
import { initialView, withSnapshot } from '../src/top/view.ts';
import { AFTER, BEFORE, HELLO } from './top/snapshots.ts';

const ROUNDS = 7;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** Milliseconds: the median, after a first time. */
async function timed(run: () => unknown): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const begin = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await run();
    times.push(performance.now() - begin);
  }
  return median(times);
}

function say(what: string, figure: string): void {
  console.log(`${what.padEnd(58)}${figure.padStart(12)}`);
}

/** Counts what it gets done, in small functions, and the CPU time that it took, in shared memory. */
const WORK = `
const { workerData } = require('node:worker_threads');
const done = new Float64Array(workerData);
const a = (x) => JSON.stringify({ x }).length, b = (x) => a(x) + [x, x + 1].map((y) => y * 2).length, c = (x) => b(x) + Math.sqrt(x);
for (let i = 0; ; i++) { for (let j = 0; j < 100; j++) c(j); done[0]++; const { user, system } = process.threadCpuUsage(); done[1] = user + system; }`;

const done = new Float64Array(new SharedArrayBuffer(16));
const worker = new Worker(WORK, { eval: true, workerData: done.buffer });
await once(worker, 'online');

/** Rounds that the worker gets done in a millisecond of its CPU time. */
async function pace(ms: number): Promise<number> {
  const [rounds, cpuUs] = done as unknown as [number, number];
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ((done[0] as number) - rounds) / (((done[1] as number) - cpuUs) / 1000);
}

await pace(500);
const starts: number[] = [];
const stops: number[] = [];
const plain: number[] = [];
const paces = new Map<number, number[]>([
  [1000, []],
  [100, []],
]);
for (let i = 0; i < ROUNDS; i++)
  for (const [intervalUs, of] of paces) {
    /* oxlint-disable no-await-in-loop -- one after the other */
    plain.push(await pace(200));
    let begin = performance.now();
    const recording = await startProfile(worker, { intervalUs });
    starts.push(performance.now() - begin);
    await pace(100); // compiled anew
    of.push(await pace(200));
    begin = performance.now();
    await recording.stop();
    stops.push(performance.now() - begin);
    /* oxlint-enable no-await-in-loop */
  }
say('start of a recording', `${median(starts).toFixed(0)} ms`);
say('its end', `${median(stops).toFixed(1)} ms`);
for (const [intervalUs, of] of paces)
  say(
    `slower meanwhile, a sample each ${intervalUs} µs`,
    `${((1 - median(of) / median(plain)) * 100).toFixed(1)} %`,
  );

const { profile } = await profileWorker(worker, { durationMs: 500, intervalUs: 100 });
await worker.terminate();
const long: CpuProfile = repeated(profile, 60_000);
const named = { name: 'worker', profile: long };
say(
  'a minute’s profile (60,000 samples): call tree and layout',
  `${(await timed(() => layoutFlameGraph(named))).toFixed(0)} ms`,
);
say('  toFlameGraphSvg', `${(await timed(() => toFlameGraphSvg(named))).toFixed(0)} ms`);
say('  toSpeedscope', `${(await timed(() => toSpeedscope(named))).toFixed(0)} ms`);
say('  mergeProfiles with itself', `${(await timed(() => mergeProfiles([named, named]))).toFixed(0)} ms`);

const metrics = Array.from({ length: 140 }, (_, i) =>
  AFTER.metrics.map((each) => ({ ...each, name: `m${i}_${each.name}` })),
);
const many = { ...AFTER, metrics: metrics.flat() };
const view = withSnapshot(withSnapshot(initialView(HELLO, 1000), { ...BEFORE, metrics: many.metrics }), many);
say(
  'corelane-top: a frame of 840 series',
  `${(await timed(() => render(view, { columns: 120, rows: 50 }, true))).toFixed(1)} ms`,
);

/** The same samples again and again. */
function repeated(from: CpuProfile, count: number): CpuProfile {
  const { samples, timeDeltas, startTime } = from;
  const at = (i: number): number => i % samples.length;
  const deltas = Array.from({ length: count }, (_, i) => Math.max(0, timeDeltas[at(i)] as number));
  return {
    ...from,
    samples: Array.from({ length: count }, (_, i) => samples[at(i)] as number),
    timeDeltas: deltas,
    endTime: startTime + deltas.reduce((a, b) => a + b, 0),
  };
}
