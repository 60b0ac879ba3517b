// The word against its standard twin: the same endpoint in plain fields under the best futex mutex we can write, on their cache line.
import type { BatchCase, BatchGroup, Claim, PublishedFigure, Role } from '../../suite.ts';
import { SAMPLED_EVERY } from './hot-contender.ts';
import type { JsWay, Way } from './hot-endpoint.ts';
import { HotThreads } from './hot-threads.ts';

const WORD = 'word, Wasm loop';
const MUTEX = 'mutex, Wasm loop';

const SOURCE =
  "published for kindly-guard's state machine, on another machine (its bench has the mutex as a constant): to compare with, no target";

/** Million operations a second, and what is kept of one thread's, as published by number of threads. */
const PUBLISHED: Readonly<Record<number, { mutex?: string; word?: string; kept?: string }>> = {
  1: { mutex: '2.1', word: '9.8' },
  2: { kept: '97' },
  4: { mutex: '1.8', word: '9.5', kept: '94' },
  8: { mutex: '1.2', word: '9.2', kept: '91' },
  16: { mutex: '0.9', word: '8.9', kept: '88' },
};

/** How much faster than its twin the word is to be. */
const LEAST: Readonly<Record<number, number>> = { 1: 2, 2: 1.4, 16: 1.6 };

const LATENCY_THREADS = 16;
/** So that many samples lie beyond p99.99: 262,144 of them in all. */
const LATENCY_BATCH = LATENCY_THREADS * SAMPLED_EVERY * 16_384;
/** Some beyond p99. */
const QUICK_LATENCY_BATCH = LATENCY_BATCH / 64;
const LEAST_TAIL = 50;

interface Line {
  readonly name: string;
  readonly role: Role;
  readonly way: Way;
  readonly note?: string;
}

interface JsLine extends Line {
  readonly way: JsWay;
}

const JS_LINES: readonly JsLine[] = [
  { name: 'word, JS calls', role: 'ours', way: 'word', note: 'machine.recordDelivery' },
  {
    name: 'mutex, JS calls',
    role: 'peer',
    way: 'mutex',
    note: "the same, of a machine with implementation: 'standard'",
  },
  {
    name: 'SharedMutex around fields in JS',
    role: 'peer',
    way: 'SharedMutex',
    note: 'acquire, plain fields of an Int32Array, unlock: what one writes with a mutex from a library',
  },
  {
    name: 'JS Atomics mutex around fields in JS',
    role: 'peer',
    way: 'Atomics',
    note: 'what one writes without a library: no owner, no recovery',
  },
  { name: 'the same, spinning first', role: 'peer', way: 'Atomics, spinning' },
  { name: 'CAS of a BigInt', role: 'peer', way: 'BigInt', note: 'the same word without Wasm' },
];

const LINES: readonly Line[] = [
  { name: WORD, role: 'ours', way: WORD, note: 'the kernel function in a loop: no calls from JavaScript' },
  { name: MUTEX, role: 'peer', way: MUTEX, note: 'lock, update of the fields, unlock, in one function' },
  ...JS_LINES,
];

/**
 * Threads for the machine behind a mutex, and threads for all else: where one thread has machines of both kinds, their calls share a
 * place in the code of StateMachine, and V8 does not inline the way into Wasm.
 */
function pools<W extends Way>(
  lines: readonly (Line & { readonly way: W })[],
  create: (ways: readonly W[]) => HotThreads,
): (way: W) => HotThreads {
  const ways = lines.map(({ way }) => way);
  const standard = create(ways.filter((way) => way === 'mutex'));
  const others = create(ways.filter((way) => way !== 'mutex'));
  return (way) => (way === 'mutex' ? standard : others);
}

function caseOf({ way, ...line }: Line, opsPerBatch: number, shared: HotThreads): BatchCase {
  return {
    ...line,
    opsPerBatch,
    setup: () => shared.setup(),
    batch: (operations) => shared.run(way, operations),
    check: ({ operations }) => shared.check(way, operations),
    teardown: () => shared.teardown(),
  };
}

function throughput(threads: number): BatchGroup {
  const sharedBy = pools(LINES, (ways) => new HotThreads(threads, { ways, latency: false }));
  const alone = `${WORD}, 1 thread`;
  const one = new HotThreads(1, { ways: [WORD], latency: false });
  const inWords = threads === 1 ? '1 thread' : `${threads} threads`;
  const { mutex, word, kept } = PUBLISHED[threads] ?? {};
  const figures: PublishedFigure[] = [];
  const rate = (what: string, published: string | undefined, of: string): void => {
    if (published !== undefined)
      figures.push({ what: `${what}, ${inWords}`, published, unit: 'M ops/s', of });
  };
  rate('mutex', mutex, MUTEX);
  rate('atomic', word, WORD);
  if (kept !== undefined)
    figures.push({
      what: `atomic, throughput kept at ${inWords}`,
      published: kept,
      unit: '%',
      of: WORD,
      against: alone,
    });
  const least = LEAST[threads];
  const claims: Claim[] = least === undefined ? [] : [{ of: MUTEX, against: WORD, atLeast: least }];
  return {
    kind: 'batch',
    name: `twin-${threads}`,
    title: `One hot endpoint, ${inWords}: the word against its standard twin`,
    note: 'One operation is recordDelivery(endpoint, true, admission) on a closed breaker. ns/op is the time until the last thread is done by all operations.',
    cases: [
      ...LINES.map((line) => caseOf(line, threads, sharedBy(line.way))),
      ...(threads === 1 ? [] : [caseOf({ name: alone, role: 'ours', way: WORD }, 1, one)]),
    ],
    claims,
    publication: { source: SOURCE, figures },
  };
}

function tail(metric: string, mutex: string, word: string): PublishedFigure[] {
  return [
    { what: `mutex, ${metric}`, published: mutex, unit: 'ns', of: 'mutex, JS calls', metric },
    { what: `atomic, ${metric}`, published: word, unit: 'ns', of: 'word, JS calls', metric },
  ];
}

function latency(): BatchGroup {
  const sharedBy = pools(JS_LINES, (ways) => new HotThreads(LATENCY_THREADS, { ways, latency: true }));
  const shared = sharedBy('word');
  return {
    kind: 'batch',
    name: 'twin-latency',
    title: `One hot endpoint, ${LATENCY_THREADS} threads: how long one operation takes`,
    note: `One operation in ${SAMPLED_EVERY} is timed by two reads of performance.now(), whose own cost is in the figures and is the case 'clock alone'. ns/op has all of it, and says nothing here.`,
    cases: [
      ...JS_LINES.map((line) => ({
        ...caseOf(line, LATENCY_BATCH, sharedBy(line.way)),
        quickOpsPerBatch: QUICK_LATENCY_BATCH,
      })),
      {
        name: 'clock alone',
        role: 'limit',
        opsPerBatch: LATENCY_BATCH,
        quickOpsPerBatch: QUICK_LATENCY_BATCH,
        setup: () => shared.setup(),
        batch: (operations) => shared.run(undefined, operations),
        check: () => undefined,
        teardown: () => shared.teardown(),
      },
    ],
    claims: [{ of: 'mutex, JS calls', against: 'word, JS calls', metric: 'p99.99', atLeast: LEAST_TAIL }],
    publication: {
      source: SOURCE,
      figures: [
        ...tail('p50', '180', '42'),
        ...tail('p90', '420', '58'),
        ...tail('p99', '1200', '95'),
        ...tail('p99.9', '8500', '150'),
      ],
    },
  };
}

function many(threads: number): BatchGroup {
  const lines: Line[] = [
    { name: '16 CASes', role: 'ours', way: 'many by CAS', note: 'and others see the update half done' },
    { name: '16 fields under the mutex', role: 'peer', way: 'many by mutex' },
  ];
  const shared = new HotThreads(threads, { ways: lines.map(({ way }) => way), latency: false });
  return {
    kind: 'batch',
    name: `many-${threads}`,
    title: `An update of 16 words, which no CAS holds, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    note: 'Where a mutex is the right thing: it pays once for any number of words.',
    cases: lines.map((line) => caseOf(line, threads, shared)),
  };
}

export const twins: readonly BatchGroup[] = [
  ...[1, 2, 4, 8, 16].map(throughput),
  latency(),
  ...[1, 2].map(many),
];
