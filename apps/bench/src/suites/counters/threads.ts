// Several threads that record into the same metric, against as many that have one each.
import { Registry } from '@corelane/perf-counters';
import { Arena } from '@corelane/shared-memory';
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { hammered } from './layout.ts';
import type { MetricWork } from './metric-contender.ts';

type Kind = MetricWork['kind'];

const help = 'measured';

/** @param same whether all threads record into one metric */
function recording(name: string, kind: Kind, threads: number, same: boolean): BatchCase {
  const held = new Held<{ registry: Registry; contenders: Contenders }>();
  const metricOf = (index: number): string => (same ? 'all' : `of_${index}`);
  return {
    name,
    role: 'ours',
    opsPerBatch: threads,
    async setup() {
      const registry = Registry.create(Arena.create({ bytes: 1 << 22 }), {
        series: 16,
        writers: threads + 1,
      });
      const contenders = await Contenders.start({
        module: entryUrl('suites/counters/metric-contender'),
        contenders: threads,
        data: (index): MetricWork => ({ kind, handle: registry.handle, name: metricOf(index) }),
      });
      held.set({ registry, contenders });
    },
    batch: (operations) => held.get().contenders.run(operations),
    check({ operations }) {
      const { registry } = held.get();
      let found = 0;
      for (let index = 0; index < (same ? 1 : threads); index++) {
        const metric = { name: metricOf(index), help };
        found +=
          kind === 'counter'
            ? registry.counter(metric).total()
            : registry.histogram(metric).distribution().count;
      }
      return found === operations ? undefined : `counted ${found}, expected ${operations}`;
    },
    teardown: () => held.take()?.contenders.stop(),
  };
}

function oneWord(name: string, threads: number): BatchCase {
  const held = new Held<{ words: Int32Array; contenders: Contenders }>();
  return {
    name,
    role: 'peer',
    note: '32 bits: it wraps',
    opsPerBatch: threads,
    async setup() {
      const words = new Int32Array(new SharedArrayBuffer(hammered.bytes));
      const contenders = await Contenders.start({
        module: entryUrl('suites/lock-free/ring-ends'),
        contenders: threads,
        data: () => ({ kind: 'word', words }),
      });
      held.set({ words, contenders });
    },
    batch: (operations) => held.get().contenders.run(operations),
    check({ operations }) {
      const found = Atomics.load(held.get().words, hammered.word.count);
      return found === (operations | 0) ? undefined : `counted ${found}, expected ${operations | 0}`;
    },
    teardown: () => held.take()?.contenders.stop(),
  };
}

const THREADS = 2;

const group = (kind: Kind, what: string, peers: readonly BatchCase[]): BatchGroup => {
  const same = `${what}, one metric, ${THREADS} threads`;
  const apart = `${what}, a metric each, ${THREADS} threads`;
  return {
    kind: 'batch',
    name: `${kind}-threads`,
    title: `${THREADS} threads record into the same ${kind}`,
    note: 'ns/op is the time until the last thread is done by all operations. Threads that share a core slow each other down whatever they do: so the target is against as many that have a metric each.',
    cases: [
      recording(same, kind, THREADS, true),
      recording(apart, kind, THREADS, false),
      recording(`${what}, 1 thread`, kind, 1, true),
      ...peers,
    ],
    claims: [{ of: same, against: apart, atMost: 1.1 }],
  };
};

export const threads: readonly BatchGroup[] = [
  group('counter', 'counter.inc()', [oneWord(`Atomics.add on one word, ${THREADS} threads`, THREADS)]),
  group('histogram', 'histogram.record', []),
];
