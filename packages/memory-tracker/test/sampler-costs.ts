// What the sampler and a window of collections cost; prints the figures of docs/sampler.md and docs/zero-allocation.md. `npm run sampler-costs`.
import { strict as assert } from 'node:assert';
import { trackGc, type GcTracker } from '../src/index.ts';
import {
  assessGrowth,
  cgroupMemory,
  heapSpaces,
  processMemory,
  readCgroup,
  type MemorySource,
} from '../src/sampler/index.ts';
import { collectGarbage } from './collect-garbage.ts';
import { generator, MB, series } from './sampler/series.ts';

const ROUNDS = 41;
const WARM_UP = 10;
const SAMPLES = 600;
const COLLECTIONS = 10;

interface Measured {
  readonly name: string;
  /** Microseconds of a call, on average over one round. */
  readonly round: () => number;
  readonly us: number[];
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number;
}

/** Many calls between two reads of the clock; what each returns is checked after that. */
function calls<T>(name: string, count: number, call: () => T, check: (result: T) => void): Measured {
  const round = (): number => {
    const results: T[] = [];
    const startMs = performance.now();
    for (let i = 0; i < count; i++) results.push(call());
    const us = ((performance.now() - startMs) * 1000) / count;
    for (const result of results) check(result);
    return us;
  };
  return { name, round, us: [] };
}

function source(count: number, memory: MemorySource, figures: readonly string[]): Measured {
  return calls(
    `a sample of ${memory.name}`,
    count,
    () => memory.read(),
    (found) => {
      for (const figure of figures)
        assert.ok((found[figure] as number) > 0, `${memory.name} has no ${figure}`);
    },
  );
}

/** `stop` alone: each of its windows is opened, and collects, before the clock is read. */
function stops(name: string, count: number, collections: number): Measured {
  const round = (): number => {
    let us = 0;
    for (let i = 0; i < count; i++) {
      const tracker: GcTracker = trackGc();
      for (let n = 0; n < collections; n++) collectGarbage('minor');
      const startMs = performance.now();
      const summary = tracker.stop();
      us += (performance.now() - startMs) * 1000;
      assert.ok(summary.count >= collections, `${summary.count} collections, expected ${collections}`);
    }
    return us / count;
  };
  return { name, round, us: [] };
}

function assessed(shape: 'noise' | 'saw', leakBytes: number, verdict: string): Measured {
  const bytes = series(shape, SAMPLES, generator(7)).map((value, i) => value + (leakBytes * i) / SAMPLES);
  const times = bytes.map((_, i) => i * 1000);
  return calls(
    `assessGrowth of ${SAMPLES} samples, ${shape}: ${verdict}`,
    50,
    () => assessGrowth(times, bytes),
    (report) => assert.equal(report.verdict, verdict),
  );
}

const cgroup = readCgroup();
const measured = [
  source(50, processMemory(), ['rss', 'heapUsed', 'heapTotal', 'external']),
  source(50, heapSpaces(), ['old_space', 'code_space']),
  ...('missing' in cgroup ? [] : [source(20, cgroupMemory(), ['current'])]),
  assessed('noise', 0, 'no evidence'),
  assessed('saw', 40 * MB, 'growing'),
  stops('trackGc().stop(), no collection', 20, 0),
  stops(`trackGc().stop(), ${COLLECTIONS} collections`, 2, COLLECTIONS),
];

// In turns, so that what else the machine does meets all of them.
for (let round = 0; round < WARM_UP + ROUNDS; round++)
  for (const each of measured) {
    const us = each.round();
    if (round >= WARM_UP) each.us.push(us);
  }

console.log(`Node ${process.version}, ${ROUNDS} rounds`);
console.log(`${''.padEnd(52)}${['p10', 'median', 'p90'].map((q) => q.padStart(9)).join('')}  µs`);
for (const { name, us } of measured) {
  const cells = [0.1, 0.5, 0.9].map((q) => quantile(us, q).toFixed(1).padStart(9));
  console.log(`${name.padEnd(52)}${cells.join('')}`);
}
if ('missing' in cgroup) console.log(`a sample of cgroup: not to be had, ${cgroup.missing}`);
