// Latencies of many tasks as text: percentiles with at least ten samples beyond them, and a histogram by powers of two of microseconds.
import type { RecordableHistogram } from 'node:perf_hooks';

const LEAST_BEYOND = 10;
const PERCENTILES = [50, 90, 99, 99.9] as const;
const WIDTH = 50;

const us = (ns: number): number => Math.round(ns / 1000);

/** A row of a table: µs, and `–` where too few samples are beyond. */
export function percentilesOf(ns: RecordableHistogram): Record<string, number | string> {
  return {
    count: ns.count,
    ...Object.fromEntries(
      PERCENTILES.map((percent) => [
        `p${percent}`,
        ns.count * (1 - percent / 100) >= LEAST_BEYOND ? us(ns.percentile(percent)) : '–',
      ]),
    ),
    max: us(ns.max),
  };
}

/** Bars of `#`, one for each power of two of microseconds. */
export function barsOf(ns: RecordableHistogram): readonly string[] {
  const counts: [power: number, count: number][] = [];
  for (let n = 0, power = 0; n < ns.count; power++) {
    const below = countBelow(ns, 1000 * 2 ** power);
    counts.push([power, below - n]);
    n = below;
  }
  const most = Math.max(...counts.map(([, count]) => count));
  const first = counts.findIndex(([, count]) => count > 0);
  return counts
    .slice(first)
    .map(
      ([power, count]) =>
        `${`< ${2 ** power} µs`.padStart(14)} ${String(count).padStart(7)} ${'#'.repeat(Math.ceil((WIDTH * count) / most))}`,
    );
}

/** Of the samples of a histogram, by its percentiles: exact to what it distinguishes. */
function countBelow(ns: RecordableHistogram, boundNs: number): number {
  if (ns.max < boundNs) return ns.count;
  let low = 0;
  let high = ns.count;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ns.percentile(Math.max((100 * middle) / ns.count, Number.MIN_VALUE)) < boundNs) low = middle;
    else high = middle - 1;
  }
  return low;
}
