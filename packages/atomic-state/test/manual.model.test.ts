import { peek, type Mutant, type Scenario } from '@corelane/interleave';
import { test } from 'vitest';
import {
  cell,
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_STALE,
  REFUSED_ISOLATED,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  RESTORE_CLOSED,
} from '../src/layout.ts';
import { CELL, count, expectAll, expectCaught, ME, scenario, trips, word, type Kernel } from './model.ts';

const ok = 1;
const failed = 0;
const CLOSED_0 = 0;
const CLOSED_1 = 2;
const PROBE_1 = 3;
const OPEN_ERA_1 = (100 << 24) | ((1 | (1 << 5)) << 8);
const ISOLATED_ERA_0 = (100 << 24) | (3 << 8);
const HALF_OPEN_ERA_1 = (100 << 24) | ((2 | (1 << 5)) << 8);
const LEDGER_ERA_1 = 1 << 16;

const forced = (): number => peek(CELL + cell.offset.forced);
const probesOut = (): number => peek(CELL + cell.offset.ledger) & 0xffff;

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'by hand or by failures, it opens once',
      { failureThreshold: 1 },
      [
        () => k.openEndpoint(CELL, 5),
        () => k.openEndpoint(CELL, 5),
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME),
      ],
      ([a, b]) =>
        expectAll(
          [a + b + trips() === 1 && forced() === a + b, `${a}, ${b}, ${trips()} trips, ${forced()} forced`],
          [word().state === 'open' && word().era === 1, `${word().state}, era ${word().era}`],
          [peek(CELL + cell.offset.ledger) === LEDGER_ERA_1, 'the opening has no time'],
        ),
    ),
  (k) =>
    scenario(
      'isolated it stays, whoever asks and however late, until it is closed by hand',
      { low: OPEN_ERA_1, ledger: [LEDGER_ERA_1, 0], resetTimeout: 10, halfOpenProbes: 1, closeRatio: 1 },
      [
        () => k.isolateEndpoint(CELL, 20),
        () => {
          const admission = k.tryAcquireAt(CELL, 20, ME);
          return [admission, admission < 0 ? 0 : k.recordDeliveryAt(CELL, ok, admission, 0, 20, ME)];
        },
      ],
      ([isolated, [admission]]) =>
        expectAll(
          [isolated === 1 && word().isolated && word().state === 'open', `${isolated}, ${word().state}`],
          [admission === PROBE_1 || admission === REFUSED_ISOLATED, `acquired ${admission}`],
        ),
    ),
  (k) =>
    scenario(
      'closed by hand or by its probe, it closes once, and results of the era before are late',
      {
        low: HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 1, 0],
        halfOpenProbes: 1,
        closeRatio: 1,
        failureThreshold: 2,
        ring: [(5 << 3) | 1, (5 << 3) | 1],
      },
      [
        () => k.closeEndpoint(CELL),
        () => k.recordDeliveryAt(CELL, ok, PROBE_1, 0, 6, ME),
        () => k.recordDeliveryAt(CELL, failed, CLOSED_1, 0, 7, ME),
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 7, ME),
      ],
      ([byHand, byProbe, , late]) =>
        expectAll(
          [
            byHand + (byProbe === RECORD_CLOSED ? 1 : 0) === 1 || word().era === 2,
            `closed ${byHand}, recorded ${byProbe}, era ${word().era}`,
          ],
          [late === RECORD_STALE, `late result: ${late}`],
          [trips() === 0, 'tripped by one failure, and by two of eight eras ago'],
        ),
    ),
  (k) =>
    scenario(
      'an admission is current until the breaker opens',
      {},
      [() => [k.isCurrent(CELL, CLOSED_0), k.isCurrent(CELL, CLOSED_0)], () => k.openEndpoint(CELL, 5)],
      ([[first, second]]) =>
        expectAll(
          [first >= second, `${first} then ${second}`],
          [k.isCurrent(CELL, CLOSED_0) === 0, 'current while open'],
        ),
    ),
  (k) =>
    scenario(
      'a batch gets tokens for all of its events or none',
      { burst: 3, refillPerSecond: 1 },
      [() => k.admitEvents(CELL, 2, 0), () => k.admitEvents(CELL, 2, 0), () => k.tryAcquireAt(CELL, 0, ME)],
      (r) => {
        const admitted = r.reduce((sum: number, o, i) => sum + (o < 0 ? 0 : i === 2 ? 1 : 2), 0);
        return expectAll(
          [admitted + word().tokens === 3, `${admitted} admitted, ${word().tokens} left of 3`],
          [count(r.slice(0, 2), REFUSED_THROTTLED) === 1, `outcomes ${r.join()}`],
        );
      },
    ),
  (k) =>
    scenario(
      'tokens that fell due are not lost with a batch that is too large for them',
      { burst: 4, refillPerSecond: 1000, low: 4 << 8, refill: [0, 10] },
      [() => k.admitEvents(CELL, 4, 12), () => k.tryAcquireAt(CELL, 12, ME)],
      (r) =>
        expectAll(
          [r[0] === REFUSED_THROTTLED, `outcomes ${r.join()}`],
          [word().tokens + (r[1] === CLOSED_0 ? 1 : 0) === 2, `${word().tokens} tokens, acquired ${r[1]}`],
        ),
    ),
  (k) =>
    scenario(
      'what was taken for events that were not queued comes back',
      { burst: 2, refillPerSecond: 1 },
      [
        () => {
          const admission = k.admitEvents(CELL, 2, 0);
          if (admission >= 0) k.refundEvents(CELL, 2, admission);
          return admission;
        },
        () => k.tryAcquireAt(CELL, 0, ME),
      ],
      ([, acquired]) =>
        expectAll([word().tokens + (acquired >= 0 ? 1 : 0) === 2, `${word().tokens} tokens, ${acquired}`]),
    ),
  (k) =>
    scenario(
      'a probe for an event that was not queued comes back, and no two are out at once',
      { low: HALF_OPEN_ERA_1, ledger: [LEDGER_ERA_1, 0], resetTimeout: 10, halfOpenProbes: 1 },
      [
        () => {
          const admission = k.admitEvents(CELL, 1, 5);
          if (admission >= 0) k.refundEvents(CELL, 1, admission);
          return admission;
        },
        () => k.tryAcquireAt(CELL, 5, ME),
        () => k.admitEvents(CELL, 2, 5),
      ],
      ([, acquired, batch]) =>
        expectAll(
          [probesOut() === (acquired === PROBE_1 ? 1 : 0), `${probesOut()} probes out, acquired ${acquired}`],
          [acquired === PROBE_1 || acquired === REFUSED_PROBING, `acquired ${acquired}`],
          [batch === REFUSED_PROBING, `a batch as one probe: ${batch}`],
        ),
    ),
  (k) =>
    scenario(
      'compression is recorded beside whatever else changes the word',
      {},
      [
        () => k.recordCompression(CELL, 12, 0),
        () => k.recordDelivery(CELL, ok, CLOSED_0, 0, 8, ME),
        () => k.recordCompression(CELL, 200, 1),
      ],
      () =>
        expectAll(
          [word().successes === 1, `${word().successes} successes`],
          [
            (word().flags & 16) !== 0 && [12, 200].includes(word().compressionRatio),
            `${word().compressionRatio}`,
          ],
          [peek(CELL + cell.offset.compressionDetected) === 2, 'a payload was not counted'],
          [word().version === 3, `version ${word().version}`],
        ),
    ),
  (k) =>
    scenario(
      'results of running calls do not get into what is restored',
      { failureThreshold: 2 },
      [
        () => {
          const era = k.beginRestore(CELL);
          k.restoreFailure(CELL, 5, era);
          return k.endRestore(CELL, era, RESTORE_CLOSED, 0, 50, 7, 40, 30, 0);
        },
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME),
        () => k.tryAcquireAt(CELL, 5, ME),
      ],
      ([restored, recorded, acquired]) =>
        expectAll(
          [restored === 1 && word().state === 'closed' && word().era === 1, `${restored}, ${word().state}`],
          [word().successes === 40 && word().failures === 30, `${word().successes}, ${word().failures}`],
          [word().tokens === 50 && word().compressionRatio === 7, `${word().tokens} tokens`],
          [recorded === RECORD_COUNTED || recorded === RECORD_STALE, `recorded ${recorded}`],
          [[CLOSED_0, CLOSED_1, REFUSED_ISOLATED].includes(acquired), `acquired ${acquired}`],
          [trips() === 0, 'tripped'],
          [k.recordDeliveryAt(CELL, failed, CLOSED_1, 0, 6, ME) === 1, 'the restored failure does not count'],
        ),
    ),
  (k) =>
    scenario(
      'of two restorations the later holds, and the earlier is told',
      {},
      [1, 2].map((successes) => () => {
        const era = k.beginRestore(CELL);
        const acquired = k.tryAcquireAt(CELL, 5, ME);
        return [acquired, k.endRestore(CELL, era, RESTORE_CLOSED, 0, 50, -1, successes, 0, 0)];
      }),
      (r) =>
        expectAll(
          [word().state === 'closed' && word().era === 2, `${word().state}, era ${word().era}`],
          [r[word().successes - 1][1] === 1, `${r.join()}, ${word().successes} holds`],
          [r.every(([acquired, ended]) => ended === 0 || acquired === REFUSED_ISOLATED), r.join()],
        ),
    ),
  (k) =>
    scenario(
      'what a restoration fills in is not in an endpoint that was closed by hand meanwhile',
      { failureThreshold: 2 },
      [
        () => {
          const era = k.beginRestore(CELL);
          k.restoreFailure(CELL, 5, era);
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
        ),
    ),
  (k) =>
    scenario(
      'closed by hand from isolated, it has no failures of eight eras ago',
      { low: ISOLATED_ERA_0, failureThreshold: 2, ring: [(5 << 3) | 1, (5 << 3) | 1] },
      [1, 2].map(() => () => k.closeEndpoint(CELL)),
      (r) =>
        expectAll(
          [count(r, 1) === 1 && word().state === 'closed' && word().era === 1, `closed ${r.join()}`],
          [k.recordDeliveryAt(CELL, failed, CLOSED_1, 0, 6, ME) === RECORD_COUNTED, 'tripped by one failure'],
        ),
    ),
];

const mutants: readonly Mutant[] = [
  {
    name: 'closing what is isolated begins no new era',
    find: 'isIsolated(wordLow) != 0 ? inNextEra(closed(wordLow)) : closed(wordLow);',
    replace: 'closed(wordLow);',
  },
  {
    name: 'closing what is isolated clears the era that it leaves',
    find: 'forgetEra(cell, wordLow, eraOf(next));\n    if (casWord(cell, wordLow, wordHigh, bumped(next), 0) != 0) return 1;',
    replace:
      'forgetEra(cell, wordLow, eraOf(wordLow));\n    if (casWord(cell, wordLow, wordHigh, bumped(next), 0) != 0) return 1;',
  },
  {
    name: 'opening by hand does not look at its CAS',
    find: 'const next = bumped(opened(wordLow));\n    if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return entered(cell, next, now);',
    replace:
      'const next = bumped(opened(wordLow));\n    casWord(cell, wordLow, wordHigh, next, wordHigh);\n return entered(cell, next, now);',
  },
  {
    name: 'isolated becomes half open in its time',
    find: '    } else if (isIsolated(wordLow) != 0) {\n      return REFUSED_ISOLATED;\n',
    replace: '',
  },
  {
    name: 'isolated begins no new era',
    find: 'return opened(low) | HALF_OPEN_BIT;',
    replace: 'return low | OPEN_BIT | HALF_OPEN_BIT;',
  },
  {
    name: 'closing by hand does not look at its CAS',
    find: 'if (casWord(cell, wordLow, wordHigh, bumped(next), 0) != 0) return 1;',
    replace: 'casWord(cell, wordLow, wordHigh, bumped(next), 0); return 1;',
  },
  {
    name: 'closing by hand leaves failures of eight eras ago',
    file: 'manual.ts',
    find: '    forgetEra(cell, wordLow, eraOf(next));\n',
    replace: '',
  },
  {
    name: 'an opening by hand has no time',
    find: '  stampLedger(cell, wordLow, now);\n  add(cell + CELL_FORCED',
    replace: '  add(cell + CELL_FORCED',
  },
  {
    name: 'an admission is current in any era',
    find: 'return isOfEra(admission, low());',
    replace: 'return 1;',
  },
  {
    name: 'a batch is admitted with one token',
    find: 'if (tokens < count) {',
    replace: 'if (tokens < 1) {',
  },
  {
    name: 'a batch that is too large takes what fell due with it',
    find: 'if (claimed == 0) return REFUSED_THROTTLED;',
    replace: 'return REFUSED_THROTTLED;',
  },
  {
    name: 'a batch passes for one probe',
    find: '} else if (count != 1) {',
    replace: '} else if (count < 1) {',
  },
  {
    name: 'tokens do not come back',
    find: '  else payIn(cell, count);',
    replace: '',
  },
  {
    name: 'a probe comes back without looking at the CAS',
    find: 'if ((admission & PROBE) != 0) returnProbe(cell, (admission >> 1) & ERA_MASK);',
    replace: 'if ((admission & PROBE) != 0) return;',
  },
  {
    name: 'compression is written over the word',
    find: 'if (casWord(cell, wordLow, wordHigh, bumped(withCompression(wordLow, ratio)), wordHigh) != 0) return;',
    replace: 'casWord(cell, wordLow, wordHigh, bumped(withCompression(wordLow, ratio)), wordHigh); return;',
  },
  {
    name: 'a restoration ends whatever happened meanwhile',
    find: 'if (isIsolated(wordLow) == 0 || eraOf(wordLow) != era) return 0;',
    replace: '',
  },
  {
    name: 'a restoration begins without isolating',
    find: 'const next = bumped(isolated(wordLow));\n    if (casWord(cell, wordLow, wordHigh, next, wordHigh) == 0) continue;',
    replace: 'const next = bumped(isolated(wordLow));\n casWord(cell, wordLow, wordHigh, next, wordHigh);',
  },
  {
    name: 'a late failure takes a place of a later era',
    find: 'if (!isOfEra && isOver(cell, era) != 0) return NO_PLACE;',
    replace: '',
  },
  {
    name: 'a late failure is written over one of a later era',
    find: 'if ((seen & ERA_MASK) != era && isOver(cell, era) != 0) return 0;',
    replace: '',
  },
  {
    name: 'a place is written without looking whether it has changed',
    find: 'if (compareExchange(place, seen, stamp) == seen) return 1;',
    replace: 'compareExchange(place, load(place), stamp);\n return 1;',
  },
];

test(
  'every interleaving keeps what is done by hand exact, and every mutant is caught',
  () => expectCaught(scenarios, mutants),
  120_000,
);
