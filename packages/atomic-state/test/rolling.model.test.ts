import { peek, type Mutant, type Scenario } from '@corelane/interleave';
import { test } from 'vitest';
import {
  bucket,
  cell,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  RESTORE_CLOSED,
} from '../src/layout.ts';
import { CELL, count, expectAll, expectCaught, ME, scenario, trips, word, type Kernel } from './model.ts';

const ok = 1;
const failed = 0;
const CLOSED_0 = 0;
const CLOSED_1 = 2;
const PROBE_1 = 3;
const MONITORED_HALF_OPEN_ERA_1 = (100 << 24) | ((2 | 8 | (1 << 5)) << 8);
const LEDGER_ERA_1 = 1 << 16;

const LAST_LAP = bucket.field.tag.mask;

interface Counts {
  readonly calls: number;
  readonly failures?: number;
  readonly slow?: number;
  readonly era?: number;
  readonly tag?: number;
}

/** The halves of a bucket. */
function halves({ calls, failures = 0, slow = 0, era = 0, tag = 0 }: Counts): [low: number, high: number] {
  const { field } = bucket;
  return [
    calls | (failures << field.failures.shift) | (era << field.era.shift),
    (slow << field.slow.shift) | (tag << field.tag.shift),
  ];
}

const read = (place: number): [low: number, high: number] => [
  peek(CELL + cell.offset.buckets + 8 * place),
  peek(CELL + cell.offset.buckets + 8 * place + 4),
];

const holds = (place: number, counts: Counts): readonly [boolean, string] => [
  read(place).join() === halves(counts).join(),
  `bucket ${place} is ${read(place).join()}, expected ${halves(counts).join()}`,
];

/** Of 10 ms each: time t is in bucket t / 10. */
const WINDOW = { errorThresholdPercentage: 50, rollingCountTimeout: 100 };

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'results are counted exactly',
      { ...WINDOW, volumeThreshold: 9 },
      [
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 5, ME),
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME),
      ],
      (r) =>
        expectAll(
          [count(r, RECORD_COUNTED) === 2, `outcomes ${r.join()}`],
          holds(0, { calls: 2, failures: 1 }),
        ),
    ),
  (k) =>
    scenario(
      'too many failures trip once, and nobody misses it',
      { ...WINDOW, volumeThreshold: 2 },
      [1, 2].map(() => () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME)),
      (r) =>
        expectAll(
          [count(r, RECORD_TRIPPED) === 1 && trips() === 1, `outcomes ${r.join()}, ${trips()} trips`],
          [word().state === 'open' && word().era === 1, `state ${word().state}`],
        ),
    ),
  (k) =>
    scenario(
      'a bucket of an earlier lap is begun anew, once',
      { ...WINDOW, volumeThreshold: 4, buckets: halves({ calls: 5, failures: 5 }) },
      // One lap later.
      [1, 2].map(() => () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 105, ME)),
      (r) =>
        expectAll(
          [count(r, RECORD_COUNTED) === 2, `outcomes ${r.join()}`],
          holds(0, { calls: 2, failures: 2, tag: 1 }),
        ),
    ),
  (k) =>
    scenario(
      'a late result does not begin a bucket of a later lap anew',
      { ...WINDOW, volumeThreshold: 9 },
      [
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 105, ME),
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 5, ME),
      ],
      () => expectAll(holds(0, { calls: 1, failures: 1, tag: 1 })),
    ),
  (k) =>
    scenario(
      'a bucket that is full is halved, and its shares stay',
      { ...WINDOW, volumeThreshold: 100_000, buckets: halves({ calls: 16_383, failures: 8000, slow: 400 }) },
      [
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME),
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 5, ME),
      ],
      () => expectAll(holds(0, { calls: 8193, failures: 4001, slow: 200 })),
    ),
  (k) =>
    scenario(
      'a window that never had too many failures at one moment does not trip',
      // At every moment half of the calls have failed at most; a look at bucket 0 early and at bucket 1 late would see two of three.
      { ...WINDOW, buckets: halves({ calls: 1 }) },
      [
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 15, ME),
        () => [
          k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 5, ME),
          k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 15, ME),
        ],
      ],
      ([first, [, last]]) =>
        expectAll(
          // Where the success is entered before the second failure, and it always is.
          [
            trips() === 0 && first === RECORD_COUNTED && last === RECORD_COUNTED,
            `outcomes ${first}, ${last}`,
          ],
          holds(0, { calls: 2 }),
          holds(1, { calls: 2, failures: 2 }),
        ),
    ),
  (k) =>
    scenario(
      'a result of an earlier era does not begin a bucket of a later one anew',
      { ...WINDOW, volumeThreshold: 2 },
      [
        () => {
          if (k.openEndpoint(CELL, 5) === 0 || k.closeEndpoint(CELL) === 0) return 'not opened';
          return k.recordDeliveryAt(CELL, ok, CLOSED_1, 0, 5, ME);
        },
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME),
      ],
      ([late, early]) =>
        expectAll(
          [late === RECORD_COUNTED, `recorded ${late}`],
          [early === RECORD_COUNTED || early === RECORD_STALE, `recorded ${early}`],
          holds(0, { calls: 1, era: 1 }),
        ),
    ),
  (k) =>
    scenario(
      'buckets of eight eras ago do not count when the era has their number again, and new results stay',
      {
        ...WINDOW,
        volumeThreshold: 2,
        low: MONITORED_HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 2, 0],
        halfOpenProbes: 2,
        closeRatio: 0.5,
        buckets: halves({ calls: 5, failures: 5, era: 1 }),
      },
      [
        () => k.recordDeliveryAt(CELL, ok, PROBE_1, 0, 6, ME),
        () => [
          k.recordDeliveryAt(CELL, ok, PROBE_1, 0, 6, ME),
          k.recordDeliveryAt(CELL, failed, CLOSED_1, 0, 7, ME),
        ],
      ],
      () =>
        expectAll(
          [trips() === 0 && word().state === 'closed', `${trips()} trips, ${word().state}`],
          // The probe's result that came second is one of the closed breaker.
          holds(0, { calls: 2, failures: 1, era: 1 }),
        ),
    ),
  (k) =>
    scenario(
      'slow calls trip it though they succeed',
      { slowCallPercentage: 50, slowCallDurationMs: 10, rollingCountTimeout: 100, volumeThreshold: 2 },
      [
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 11, 5, ME),
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 11, 5, ME),
      ],
      (r) =>
        expectAll(
          [count(r, RECORD_TRIPPED) === 1 && trips() === 1, `outcomes ${r.join()}`],
          [word().successes <= 2, `${word().successes} successes`],
        ),
    ),
  (k) =>
    scenario(
      'a slow probe has failed; one that takes as long as it may has not',
      {
        slowCallPercentage: 0,
        slowCallDurationMs: 10,
        rollingCountTimeout: 100,
        low: MONITORED_HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 2, 0],
        halfOpenProbes: 2,
        closeRatio: 1,
      },
      [
        () => k.recordDeliveryAt(CELL, ok, PROBE_1, 11, 5, ME),
        () => k.recordDeliveryAt(CELL, ok, PROBE_1, 10, 5, ME),
      ],
      ([slow]) =>
        expectAll(
          [slow === RECORD_REOPENED, `recorded ${slow}`],
          [word().state === 'open' && word().era === 2, `${word().state}, era ${word().era}`],
        ),
    ),
  (k) =>
    scenario(
      'what a restoration fills in is not in an endpoint that was closed by hand meanwhile, and new results stay',
      { ...WINDOW, volumeThreshold: 2 },
      [
        () => {
          const era = k.beginRestore(CELL);
          k.restoreOutcomes(CELL, 5, era, 1, 1, 0);
          return k.endRestore(CELL, era, RESTORE_CLOSED, 0, 50, -1, 0, 1, 0);
        },
        () => {
          const closes = k.closeEndpoint(CELL);
          const admission = k.tryAcquireAt(CELL, 6, ME);
          if (admission >= 0) k.recordDeliveryAt(CELL, failed, admission, 0, 6, ME);
          return closes;
        },
      ],
      ([restored, closes]) =>
        expectAll(
          [restored + closes === 1, `restored ${restored}, closed ${closes}`],
          [restored === 1 || trips() === 0, 'tripped by one failure, and by one of the restoration'],
          closes === 1 ? holds(0, { calls: 1, failures: 1, era: word().era }) : [true, ''],
        ),
    ),
  (k) =>
    scenario(
      'a bucket that is empty is of no later lap',
      // Of the lap before the one whose number comes round to 0, which an empty bucket has.
      { ...WINDOW, volumeThreshold: 2 },
      [1, 2].map(() => () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, LAST_LAP * 100 + 5, ME)),
      (r) => expectAll([count(r, RECORD_TRIPPED) === 1 && trips() === 1, `outcomes ${r.join()}`]),
    ),
];

const mutants: readonly Mutant[] = [
  {
    name: 'an empty bucket has a lap',
    find: 'if (calls != 0 && eraOfBucket(seenLow) == era && ahead <= LATE_LAPS) return 0;',
    replace: 'if (eraOfBucket(seenLow) == era && ahead <= LATE_LAPS) return 0;',
  },
  {
    name: 'a restoration fills in without a look at the word',
    find: 'if (isIsolated(low()) == 0 || eraOf(low()) != era) return;',
    replace: '',
  },
  {
    name: 'a bucket is written without looking at the CAS',
    find: 'if (compareExchange64(at, seenLow, seenHigh, nextLow, nextHigh) != 0) break;',
    replace: 'compareExchange64(at, seenLow, seenHigh, nextLow, nextHigh);\n break;',
  },
  {
    name: 'a sum counts at the first reading',
    find: 'if (calls == seenCalls && failures == seenFailures && slow == seenSlow) return 1;',
    replace: 'return 1;',
  },
  {
    name: 'a bucket of another era is begun anew without a look at the word',
    find: 'if (eraOf(low()) != era || isClosed(low()) == 0) return 0;',
    replace: '',
  },
  {
    name: 'a bucket of an earlier lap goes on',
    find: 'if (eraOfBucket(seenLow) != era || tagOf(seenHigh) != tag) {',
    replace: 'if (eraOfBucket(seenLow) != era) {',
  },
  {
    name: 'a late result begins a later lap anew',
    find: 'if (calls != 0 && eraOfBucket(seenLow) == era && ahead <= LATE_LAPS) return 0;',
    replace: '',
  },
  {
    name: 'a full bucket overflows into the failures',
    find: '} else if (calls == BUCKET_CALLS_MASK) {',
    replace: '} else if (calls > BUCKET_CALLS_MASK) {',
  },
  {
    name: 'buckets of eight eras ago are not cleared',
    find: '  forgetOutcomes(cell, eraOf(wordLow), era);\n',
    replace: '',
  },
  {
    name: 'buckets are cleared without a look at the word',
    file: 'rolling.ts',
    find: 'if (eraOf(low()) != current || isClosed(low()) != 0) return;',
    replace: '',
  },
  {
    name: 'the percentage is reached, not exceeded',
    find: 'return bad * BASIS_POINTS > basisPoints * calls ? 1 : 0;',
    replace: 'return bad * BASIS_POINTS >= basisPoints * calls ? 1 : 0;',
  },
  {
    name: 'a window of too few calls counts',
    find: 'if (calls == 0 || calls < get(policy + POLICY_VOLUME_THRESHOLD)) return 0;',
    replace: '',
  },
  {
    name: 'the window is judged before the result is in it',
    find: 'return (failed | slow) != 0 ? isOver(cell, policy, now, era) : 0;',
    replace: 'return 0;',
  },
  {
    name: 'a slow probe is as good as any',
    find: 'const nextHigh = good ? withSuccess(wordHigh) : withFailure(wordHigh);',
    replace: 'const nextHigh = ok != 0 ? withSuccess(wordHigh) : withFailure(wordHigh);',
  },
];

test(
  'every interleaving keeps the rolling window exact, and every mutant is caught',
  () => expectCaught(scenarios, mutants),
  120_000,
);
