// A scrape of many workers on the thread that answers it.
import { Registry, RegistryReader } from '@corelane/perf-counters';
import { Arena } from '@corelane/shared-memory';
import * as prom from 'prom-client';
import type { BatchCase, BatchGroup, Role } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { empty } from './counted.ts';
import { BOUNDS_MS } from './registries.ts';
import { longestStallMs } from './stall.ts';

const SERIES = 700;
const WORKERS = 8;
const VALUES = 20;
const OURS = 'reader.metrics()';
const THEIRS = 'prom-client AggregatorRegistry.aggregate() and metrics()';
const STALL = 'longest stall of the thread';
const help = 'measured';

/** What worker `worker` records as number `n` into series `i`, in milliseconds. */
const valueOf = (worker: number, i: number, n: number): number => n * n * (worker + 1) * 7 + i;

/** What this thread has computed for, whoever else has the processor meanwhile; on Node before 23.9, the time that passes. */
function threadTimeNs(): number {
  if (typeof process.threadCpuUsage !== 'function') return performance.now() * 1e6;
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
}

type Scrape = () => Promise<string>;

/** Each registry has a writer of its own, as each worker has: where it was written from makes no difference to who reads it. */
function ours(): Scrape {
  const first = Registry.create(Arena.create({ bytes: 1 << 26 }), { series: SERIES + 2, writers: WORKERS });
  for (let worker = 0; worker < WORKERS; worker++) {
    const registry = worker === 0 ? first : Registry.attach(first.handle);
    const histogram = registry.histogram({
      name: 'h',
      help,
      labels: ['i'],
      maxSeries: SERIES,
      buckets: BOUNDS_MS,
    });
    for (let i = 0; i < SERIES; i++)
      for (let n = 0; n < VALUES; n++) histogram.labels(i).record(valueOf(worker, i, n));
  }
  const reader = RegistryReader.attach(first.handle);
  return () => reader.metrics();
}

/** What a primary does when the answers of all workers are there: receiving and parsing them is not counted. */
async function theirs(): Promise<Scrape> {
  const answers: object[] = [];
  for (let worker = 0; worker < WORKERS; worker++) {
    const register = new prom.Registry();
    const buckets = [...BOUNDS_MS];
    const histogram = new prom.Histogram({
      name: 'h',
      help,
      labelNames: ['i'],
      buckets,
      registers: [register],
    });
    for (let i = 0; i < SERIES; i++) {
      const series = histogram.labels(String(i));
      for (let n = 0; n < VALUES; n++) series.observe(valueOf(worker, i, n));
    }
    answers.push(await register.getMetricsAsJSON());
  }
  return () => prom.AggregatorRegistry.aggregate(answers).metrics();
}

/** What is wrong with a text, by what was recorded. */
function faultOf(text: string): string | undefined {
  for (let i = 0; i < SERIES; i++) {
    let sum = 0;
    const below = BOUNDS_MS.map(() => 0);
    for (let worker = 0; worker < WORKERS; worker++)
      for (let n = 0; n < VALUES; n++) {
        const value = valueOf(worker, i, n);
        sum += value;
        BOUNDS_MS.forEach((bound, b) => (below[b]! += value <= bound ? 1 : 0));
      }
    const expected = [...below, WORKERS * VALUES, sum, WORKERS * VALUES].map(String);
    const lines = text.matchAll(
      new RegExp(`^h_(?:bucket|sum|count)\\{(?:[^}]*,)?i="${i}"[^}]*\\} (\\S+)$`, 'gm'),
    );
    const found = Array.from(lines, ([, value]) => value);
    if (found.join() !== expected.join())
      return `series ${i} is ${found.join()}, expected ${expected.join()}`;
  }
  return undefined;
}

function scraping(name: string, role: Role, create: () => Scrape | Promise<Scrape>, note: string): BatchCase {
  const held = new Held<Scrape>();
  return {
    name,
    role,
    note,
    allocation: false,
    async setup() {
      held.set(await create());
    },
    async batch(operations) {
      const scrape = held.get();
      const stalls: number[] = [];
      let successful = 0;
      let elapsedNs = 0;
      for (let i = 0; i < operations; i++) {
        const longest = await longestStallMs(async () => {
          const start = threadTimeNs();
          const text = await scrape();
          elapsedNs += threadTimeNs() - start;
          if (text.length > 0) successful++;
        });
        stalls.push(longest);
      }
      const median = stalls.toSorted((a, b) => a - b)[stalls.length >> 1] as number;
      return { successful, elapsedNs, metrics: { [STALL]: { value: median, unit: 'ms' } } };
    },
    check: async () => faultOf(await held.get()()),
    teardown: () => void held.take(),
  };
}

export const scrapingWorkers: BatchGroup = {
  kind: 'batch',
  name: 'scrape-workers',
  title: `One scrape of ${SERIES} histograms of eleven buckets that ${WORKERS} workers have recorded into`,
  note: `CPU time and stalls of the thread that answers. Of the scrapes of a batch, the median is the batch’s ${STALL}.`,
  claims: [
    { of: THEIRS, against: OURS, atLeast: 40 },
    { of: OURS, metric: STALL, atMost: 5 },
  ],
  cases: [
    scraping(OURS, 'ours', ours, 'on any thread that has the handle; no worker is asked'),
    scraping(
      THEIRS,
      'peer',
      theirs,
      'of what the workers’ getMetricsAsJSON() gave; asking them, which interrupts each, and receiving the answers is not counted',
    ),
    empty,
  ],
};
