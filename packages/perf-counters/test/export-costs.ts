// What exporting costs the thread that does it, where all writers have recorded in all of many histograms.
//   pnpm --filter @corelane/perf-counters run export-costs
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { Arena } from '@corelane/shared-memory';
import { Registry, type Histogram } from '../src/index.ts';
import { CorelaneMetricProducer } from '../src/opentelemetry/index.ts';
import { serveSnapshots } from '../src/socket/index.ts';
import { SnapshotFeed } from '../src/socket/snapshot-feed.ts';

const SERIES = 700;
const WRITERS = 8;
const ROUNDS = 40;

interface Cost {
  readonly totalMs: number;
  /** Between two turns of the event loop at most, by the clock. */
  readonly longestMs: number;
}

/** Of this thread's processor, in milliseconds: other work on the machine does not lengthen it. Some kernels count in steps of 4. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const state = { isDone: false };
  let longestMs = 0;
  const watch = async (): Promise<void> => {
    for (let last = performance.now(); !state.isDone;) {
      // oxlint-disable-next-line no-await-in-loop -- a turn after the other is what is measured
      await turnLoop();
      const now = performance.now();
      longestMs = Math.max(longestMs, now - last);
      last = now;
    }
  };
  const watching = watch();
  const begin = cpuMs();
  await work();
  const totalMs = cpuMs() - begin;
  state.isDone = true;
  await watching;
  return { totalMs, longestMs };
}

/** Prints the tenth percentile of totals, and the best of rounds for stretches, which are longer where the machine is busy. */
async function print(what: string, work: () => Promise<unknown>): Promise<void> {
  const rounds: Cost[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one at a time
  for (let i = 0; i < ROUNDS; i++) rounds.push(await costOf(work));
  const sorted = (key: keyof Cost): number[] => rounds.map((each) => each[key]).toSorted((a, b) => a - b);
  const totalMs = (sorted('totalMs')[ROUNDS / 10] as number).toFixed(1).padStart(6);
  const longestMs = (sorted('longestMs')[0] as number).toFixed(1).padStart(6);
  console.log(`${what.padEnd(48)} ${totalMs} ms, ${longestMs} ms at a stretch`);
}

const first = Registry.create(Arena.create({ bytes: 48 << 20 }), {
  series: SERIES + 8,
  writers: WRITERS,
  metrics: 8,
});
const options = {
  name: 'sizes_bytes',
  help: 'Sizes',
  unit: 'bytes',
  labels: ['of'],
  maxSeries: SERIES,
} as const;
const writers = Array.from({ length: WRITERS }, (_, i) => (i === 0 ? first : Registry.attach(first.handle)));
const histograms = writers.map((registry) => {
  const family = registry.histogram(options);
  return Array.from({ length: SERIES }, (_, i) => family.labels(String(i)));
});
function recordAll(values: number): void {
  histograms.forEach((ofWriter: Histogram[], writer) =>
    ofWriter.forEach((histogram, series) => {
      for (let i = 1; i <= values; i++) histogram.record((i * 7919 * (writer + 1) + series) % 100_000);
    }),
  );
}
recordAll(64);

console.log(
  `${SERIES} histograms × ${WRITERS} writers, CPU time of ${ROUNDS} rounds, Node ${process.version}`,
);
for (const kind of ['explicit', 'exponential'] as const) {
  const cumulative = new CorelaneMetricProducer(first, { histograms: kind });
  await print(`OpenTelemetry, cumulative, ${kind}`, () => cumulative.collect());
  const delta = new CorelaneMetricProducer(first, { histograms: kind, temporality: 'delta' });
  await delta.collect();
  await print(`OpenTelemetry, delta, ${kind}, all changed`, () => {
    recordAll(1);
    return delta.collect();
  });
  await print(`OpenTelemetry, delta, ${kind}, none changed`, () => delta.collect());
}
await print('reader.snapshot()', () => first.reader.snapshot());
const feed = new SnapshotFeed(first.reader, 0, performance);
await print('the same as JSON, as the socket has it', () => feed.next());
const bytes = Buffer.byteLength(await feed.next());
const folder = mkdtempSync(join(tmpdir(), 'export-costs-'));
try {
  await using server = await serveSnapshots(first.reader, { path: join(folder, 's'), minIntervalMs: 0 });
  const client = connect(server.path);
  let received = 0;
  let wanted = 0;
  let enough: () => void = () => {};
  client.on('data', (chunk: Buffer) => {
    received += chunk.byteLength;
    if (received >= wanted) enough();
  });
  await print(`the same, served (${(bytes / 1e6).toFixed(1)} MB)`, async () => {
    wanted = received + bytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    enough = resolve;
    client.write('{"get":"snapshot"}\n');
    await promise;
  });
  client.destroy();
} finally {
  rmSync(folder, { recursive: true });
}
