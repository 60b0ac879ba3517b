import { Registry } from '@corelane/perf-counters';
import { Arena } from '@corelane/shared-memory';
import * as prom from 'prom-client';
import type { BatchGroup } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { BOUNDS_MS } from './registries.ts';

const SERIES = 200;
const VALUES = 50;
const OURS = 'registry.metrics()';
const THEIRS = 'prom-client register.metrics()';
const help = 'measured';

interface Scraped {
  text(): Promise<string>;
  scrapes: number;
}

function ours(): Scraped {
  const registry = Registry.create(Arena.create({ bytes: 1 << 24 }), { series: SERIES + 2, writers: 4 });
  const histogram = registry.histogram({ name: 'h', help, labels: ['i'], buckets: BOUNDS_MS });
  for (let i = 0; i < SERIES; i++) for (let v = 0; v < VALUES; v++) histogram.labels(i).record(v * v);
  return { text: () => registry.metrics(), scrapes: 0 };
}

function theirs(): Scraped {
  const register = new prom.Registry();
  const histogram = new prom.Histogram({
    name: 'h',
    help,
    labelNames: ['i'],
    buckets: [...BOUNDS_MS],
    registers: [register],
  });
  for (let i = 0; i < SERIES; i++)
    for (let v = 0; v < VALUES; v++) histogram.labels(String(i)).observe(v * v);
  return { text: () => register.metrics(), scrapes: 0 };
}

async function scrape(scraped: Scraped, operations: number): Promise<void> {
  for (let i = 0; i < operations; i++) {
    const text = await scraped.text();
    if (text.length > SERIES * BOUNDS_MS.length * 10) scraped.scrapes++;
  }
}

export const scraping: BatchGroup = {
  kind: 'batch',
  name: 'scrape',
  title: `One scrape of ${SERIES} histograms of eleven buckets, recorded on this thread`,
  note: 'With more threads prom-client also needs a message to and from each of them, and a merge; ours does not.',
  cases: [
    counted({
      name: OURS,
      role: 'ours',
      allocation: false,
      create: ours,
      run: scrape,
      count: (each) => each.scrapes,
    }),
    counted({
      name: THEIRS,
      role: 'peer',
      allocation: false,
      create: theirs,
      run: scrape,
      count: (each) => each.scrapes,
    }),
    empty,
  ],
};
