import { type BatchCase, type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { newTimer, promHistogram, promObservations, sampledTimer } from './registries.ts';

const START_STOP = 'timer.start().stop()';
const SINCE = 'timer.recordSince(timer.now())';
const READS = 'two reads of performance.now()';
const SAMPLED = 'timer.start().stop(), one in 64 timed';
const SAMPLE_EVERY = 64;
const BATCH = 100;

let sink = 0;

const reads: Omit<BatchCase, 'role'> = {
  name: READS,
  batch(operations) {
    let sumMs = 0;
    for (let i = 0; i < operations; i++) sumMs += performance.now() - performance.now();
    sink += sumMs;
    return operations;
  },
  check: () => (Number.isFinite(sink) ? undefined : `sum ${sink}`),
};

const since: BatchCase = counted({
  name: SINCE,
  role: 'ours',
  create: newTimer,
  run(timer, operations) {
    for (let i = 0; i < operations; i++) timer.recordSince(timer.now());
  },
  count: (timer) => timer.distribution().count,
});

const startStop: BatchCase = counted({
  name: START_STOP,
  role: 'ours',
  create: newTimer,
  run(timer, operations) {
    for (let i = 0; i < operations; i++) timer.start().stop();
  },
  count: (timer) => timer.distribution().count,
});

export const timings: BatchGroup = {
  kind: 'batch',
  name: 'timer',
  title: 'One duration measured and recorded',
  cases: [
    since,
    startStop,
    counted({
      name: 'using running = timer.start()',
      role: 'ours',
      note: 'written out for Node 22, `using` makes 490 of the bytes; V8 makes 200',
      create: newTimer,
      run(timer, operations) {
        for (let i = 0; i < operations; i++) {
          using running = timer.start();
          sink = running === undefined ? 1 : 0;
        }
      },
      count: (timer) => timer.distribution().count,
    }),
    counted({
      name: SAMPLED,
      role: 'ours',
      note: 'all are counted',
      create: () => sampledTimer(SAMPLE_EVERY),
      run(timer, operations) {
        for (let i = 0; i < operations; i++) timer.start().stop();
      },
      count: (timer) => timer.calls(),
    }),
    counted({
      name: `a ${BATCH}th of timer.batch(${BATCH})`,
      role: 'ours',
      note: 'what one of the operations in it pays',
      opsPerBatch: BATCH,
      create: newTimer,
      run(timer, operations) {
        for (let i = 0; i < operations; i += BATCH) timer.batch(BATCH).stop();
      },
      count: (timer) => timer.distribution().count,
    }),
    counted({
      name: 'prom-client startTimer()()',
      role: 'peer',
      create: promHistogram,
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.startTimer()();
      },
      count: promObservations,
    }),
    { ...reads, role: 'limit' },
    empty,
  ],
  claims: [{ of: SINCE, metric: BYTES_PER_OP, atMost: 0 }],
};

/** Its empty loop is the two reads. */
export const beyondReads: BatchGroup = {
  kind: 'batch',
  name: 'timer-beyond',
  title: 'What a timer takes beyond its two reads of performance.now()',
  note: '0 is no more than the reads alone: the processor does the rest while it waits for the clock.',
  cases: [since, startStop, { ...reads, role: 'empty' }],
  claims: [{ of: SINCE, metric: NS_PER_OP, atMost: 5 }],
};
