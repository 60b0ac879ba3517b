// What the sources cost: `npm run source-costs`. Time of this thread for a sample of each source; of one more collection of garbage with an observer; of
// a second with a monitor of the event loop. The process is small, then has thousands of timers and descriptors.
import { closeSync, openSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as pass } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PerfEvents, ThreadClock } from '@corelane/platform';
import { Arena } from '@corelane/shared-memory';
import * as prom from 'prom-client';
import { Registry } from '../src/index.ts';
import { collectDefaults, type DefaultSourceName, type Sources } from '../src/sources/index.ts';

const ROUNDS = 400;
const WARM_UP = 100;
const MANY = 5000;

const newRegistry = (): Registry => Registry.create(Arena.create({ bytes: 4 << 20 }));

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

interface Row {
  readonly name: string;
  readonly us: readonly number[];
}

/** Microseconds of each sample, by source, ascending. */
async function sampleAll(sources: Sources): Promise<Row[]> {
  const us = new Map<string, number[]>();
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const before = sources.costs();
    await sources.sample();
    sources.costs().forEach(({ name, totalMs, samples }, i) => {
      const last = before[i];
      if (round < WARM_UP || last === undefined || samples === last.samples) return;
      const times = us.get(name) ?? [];
      times.push((totalMs - last.totalMs) * 1000);
      us.set(name, times);
    });
    // So that the event loop has something to tell.
    if (round % 20 === 0) await pass(11);
  }
  return [...us].map(([name, times]) => ({ name, us: times.toSorted((a, b) => a - b) }));
}

function print(title: string, rows: readonly Row[]): void {
  console.log(
    `\n${title}\n${'source'.padEnd(22)}${['p10', 'median', 'p99'].map((q) => q.padStart(10)).join('')}  µs`,
  );
  for (const { name, us } of rows) {
    const cells = [0.1, 0.5, 0.99].map((q) => quantile(us, q).toFixed(1).padStart(10));
    console.log(`${name.padEnd(22)}${cells.join('')}`);
  }
  if (rows.length < 5) return;
  const sum = rows.reduce((all, { us }) => all + quantile(us, 0.5), 0);
  console.log(`${'all'.padEnd(22)}${' '.repeat(10)}${sum.toFixed(1).padStart(10)}`);
}

const clock = ThreadClock.open();
const perf = PerfEvents.open({ target: 'thread' });
const ports = {
  ...(clock.status === 'verified' && { threadCpu: clock.value }),
  ...(perf.status === 'verified' && { hardwareEvents: perf.value }),
};

{
  using sources = collectDefaults(newRegistry(), { intervalMs: Infinity, ...ports });
  print(`a sample, in a process that does nothing else (Node ${process.version})`, await sampleAll(sources));
  for (const { name, status, reason } of sources.capabilities())
    if (status !== 'active') console.log(`${name}: ${status}, ${String(reason)}`);
}

{
  // Every 2 ms for a second: as many as of the default 10 ms in the default 5 s.
  const options = {
    intervalMs: Infinity,
    sources: ['eventLoopDelay'],
    eventLoopMonitoringPrecision: 2,
  } as const;
  using sources = collectDefaults(newRegistry(), options);
  const us: number[] = [];
  for (let round = 0; round < 5; round++) {
    await pass(1000);
    const before = sources.costs()[0]?.totalMs ?? 0;
    await sources.sample();
    us.push(((sources.costs()[0]?.totalMs ?? 0) - before) * 1000);
  }
  print('a sample, after some 500 looks at the event loop', [
    { name: 'eventLoopDelay', us: us.toSorted((a, b) => a - b) },
  ]);
}

{
  const grown: readonly DefaultSourceName[] = ['activeHandles', 'activeResources', 'fileDescriptors'];
  using sources = collectDefaults(newRegistry(), { intervalMs: Infinity, sources: grown });
  const timers = Array.from({ length: MANY }, () => setTimeout(() => {}, 1e6));
  const files = Array.from({ length: MANY }, () => openSync('/dev/null', 'r'));
  print(`a sample, with ${MANY} timers and ${MANY} open files`, await sampleAll(sources));
  for (const timer of timers) clearTimeout(timer);
  for (const file of files) closeSync(file);
}

/** Median over rounds that alternate of `measure`, with the source and without. */
async function compare(
  source: DefaultSourceName,
  rounds: number,
  measure: () => Promise<number>,
): Promise<[number, number]> {
  const without: number[] = [];
  const with_: number[] = [];
  for (let round = 0; round < rounds; round++) {
    without.push(await measure());
    using _ = collectDefaults(newRegistry(), { intervalMs: Infinity, sources: [source] });
    with_.push(await measure());
  }
  return [with_, without].map((each) =>
    quantile(
      each.toSorted((a, b) => a - b),
      0.5,
    ),
  ) as [number, number];
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
const COLLECTIONS = 200;
const [observed, unobserved] = await compare('gc', 9, async () => {
  const startMs = performance.now();
  for (let i = 0; i < COLLECTIONS; i++) {
    collect({ type: 'minor' });
    await nextTurn();
  }
  return ((performance.now() - startMs) / COLLECTIONS) * 1000;
});
console.log(
  `\na minor collection and a turn of the loop: ${observed.toFixed(1)} µs with an observer, ${unobserved.toFixed(1)} µs without`,
);

const [monitored, unmonitored] = await compare('eventLoopDelay', 5, async () => {
  const start = process.cpuUsage();
  await pass(1000);
  const { user, system } = process.cpuUsage(start);
  return user + system;
});
console.log(
  `CPU time of an idle second: ${monitored} µs with a monitor of the event loop (10 ms), ${unmonitored} µs without`,
);

{
  // Reading and text, as one scrape of one thread: prom-client reads when it is scraped. Last, as nothing ends its observers.
  const registry = newRegistry();
  const theirs = new prom.Registry();
  using sources = collectDefaults(registry, { intervalMs: Infinity });
  prom.collectDefaultMetrics({ register: theirs });
  const scrapes: readonly [string, () => Promise<unknown>][] = [
    ['sample() and text', async () => (await sources.sample(), registry.prometheusText())],
    ['sample()', () => sources.sample()],
    ['text', async () => registry.prometheusText()],
    ['prom-client', () => theirs.metrics()],
  ];
  const rows = scrapes.map(([name]) => ({ name, us: [] as number[] }));
  for (let round = 0; round < WARM_UP + ROUNDS; round++)
    for (const [i, [, scrape]] of scrapes.entries()) {
      const startMs = performance.now();
      await scrape();
      const tookUs = (performance.now() - startMs) * 1000;
      if (round >= WARM_UP) rows[i]?.us.push(tookUs);
    }
  print(
    'default metrics of one thread, until all is there',
    rows.map(({ name, us }) => ({ name, us: us.toSorted((a, b) => a - b) })),
  );
}
