// All interleavings of the breaker: admission, results, eras.
// Longer than other files: every mutant is run against all scenarios, which stand in one list.
import { peek, type Mutant, type Scenario } from '@corelane/interleave';
import { test } from 'vitest';
import {
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  cell,
} from '../src/layout.ts';
import {
  CELL,
  CLOCK,
  count,
  expectAll,
  expectCaught,
  reopens,
  scenario,
  trips,
  word,
  type Kernel,
  ME,
} from './model.ts';

const ok = 1;
const failed = 0;
const ANY = 16;
// Eras: every scenario starts in era 0 or 1; an admission is era << 1 | probe.
const CLOSED_0 = 0;
const PROBE_1 = 3;
const CLOSED_1 = 2;
const PROBE_2 = 5;
const OPEN_ERA_1 = (100 << 24) | ((1 | (1 << 5)) << 8);
const HALF_OPEN_ERA_1 = (100 << 24) | ((2 | (1 << 5)) << 8);
const LEDGER_ERA_1 = 1 << 16;

/** The same function each time: the search takes the threads for interchangeable. */
const same = (threads: number, run: () => number): (() => number)[] =>
  Array.from({ length: threads }, () => run);

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'two tokens admit two of three',
      { burst: 2, refillPerSecond: 1 },
      same(3, () => k.tryAcquireAt(CELL, 0, ME)),
      (r) =>
        expectAll(
          [count(r, CLOSED_0) === 2 && count(r, REFUSED_THROTTLED) === 1, `outcomes ${r.join()}`],
          [word().tokens === 0 && word().state === 'throttled', 'tokens left, or not throttled'],
          [word().version === 2, `version ${word().version} after 2 transitions`],
        ),
    ),
  (k) =>
    scenario(
      'results are counted exactly',
      { failureThreshold: 5 },
      [
        () => k.recordDelivery(CELL, ok, CLOSED_0, 0, CLOCK, ME),
        () => k.recordDelivery(CELL, failed, CLOSED_0, 0, CLOCK, ME),
        () => k.recordDeliveryAt(CELL, ok, ANY, 0, 0, ME),
      ],
      (r) =>
        expectAll(
          [count(r, RECORD_COUNTED) === 3, `outcomes ${r.join()}`],
          [
            word().successes === 2 && word().failures === 1,
            `${word().successes} ok, ${word().failures} failed`,
          ],
          [word().version === 3, `version ${word().version} after 3 transitions`],
        ),
    ),
  (k) =>
    scenario(
      'a full window trips once, and nobody misses it',
      { failureThreshold: 2 },
      same(2, () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME)),
      (r) =>
        expectAll(
          [count(r, RECORD_TRIPPED) === 1, `tripped ${count(r, RECORD_TRIPPED)} times`],
          [trips() === 1 && word().era === 1, `${trips()} trips counted, era ${word().era}`],
          [word().state === 'open', `state ${word().state}`],
          [word().version === 1 + word().failures, `version ${word().version}, ${word().failures} failures`],
          [count(r, RECORD_STALE) === 2 - word().failures, 'a stale result was counted'],
        ),
    ),
  (k) =>
    scenario(
      'one failure more fills a window once, and is missed by nobody',
      { failureThreshold: 2, ring: [4 << 3], ticket: 1 << 3 },
      same(2, () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 5, ME)),
      (r) =>
        expectAll(
          [count(r, RECORD_TRIPPED) === 1, `tripped ${count(r, RECORD_TRIPPED)} times`],
          [trips() === 1 && word().era === 1, `${trips()} trips counted, era ${word().era}`],
          [word().state === 'open', `state ${word().state}`],
          [word().version === 1 + word().failures, `version ${word().version}, ${word().failures} failures`],
          [count(r, RECORD_STALE) === 2 - word().failures, 'a stale result was counted'],
        ),
    ),
  (k) =>
    scenario(
      'failures of another era do not count',
      // A ring with one recent failure of era 7 in both places.
      { failureThreshold: 2, ring: [(5 << 3) | 7, (5 << 3) | 7] },
      [
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 6, ME),
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 6, ME),
      ],
      () => expectAll([trips() === 0 && word().state === 'closed', 'tripped by one failure']),
    ),
  (k) =>
    scenario(
      'an open breaker stays open for its time, however early it is asked',
      // The ledger still has era 0 and time 0: reading it without its era would end the open state at once.
      { failureThreshold: 1, resetTimeout: 10 },
      [
        () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 100, ME),
        () => [k.tryAcquireAt(CELL, 100, ME), k.tryAcquireAt(CELL, 105, ME)],
        () => k.tryAcquireAt(CELL, 109, ME),
      ],
      (r) =>
        expectAll(
          [r[0] === RECORD_TRIPPED, `recorded ${r[0]}`],
          [
            [...r[1], r[2]].every((o: number) => o === CLOSED_0 || o === REFUSED_OPEN),
            `acquired ${r[1]}, ${r[2]}`,
          ],
          [!(r[1][0] === REFUSED_OPEN && r[1][1] === CLOSED_0), 'admitted after it was refused'],
          [word().state === 'open', `state ${word().state}`],
        ),
    ),
  (k) =>
    scenario(
      'one probe is admitted once',
      { low: OPEN_ERA_1, ledger: [LEDGER_ERA_1, 0], resetTimeout: 10, halfOpenProbes: 1 },
      same(3, () => k.tryAcquireAt(CELL, 20, ME)),
      (r) =>
        expectAll(
          [count(r, PROBE_1) === 1 && count(r, REFUSED_PROBING) === 2, `outcomes ${r.join()}`],
          [
            word().state === 'half-open' && word().version === 1,
            `state ${word().state}, version ${word().version}`,
          ],
        ),
    ),
  (k) =>
    scenario(
      'two good probes close the breaker once; a late result of the closed era does not count',
      {
        low: OPEN_ERA_1,
        high: 7,
        ledger: [LEDGER_ERA_1, 0],
        resetTimeout: 10,
        halfOpenProbes: 2,
        closeRatio: 1,
      },
      [
        () => k.recordDelivery(CELL, ok, k.tryAcquireAt(CELL, 20, ME), 0, CLOCK, ME),
        () => k.recordDeliveryAt(CELL, ok, k.tryAcquireAt(CELL, 20, ME), 0, 20, ME),
        () => k.recordDelivery(CELL, ok, CLOSED_0, 0, CLOCK, ME),
      ],
      (r) =>
        expectAll(
          [r[2] === RECORD_STALE, `late result: ${r[2]}`],
          [
            count(r.slice(0, 2), RECORD_CLOSED) === 1 && count(r, RECORD_COUNTED) === 1,
            `outcomes ${r.join()}`,
          ],
          [
            word().state === 'closed' && word().successes === 0 && word().failures === 0,
            `state ${word().state}`,
          ],
          [word().version === 3, `version ${word().version} after 3 transitions`],
        ),
    ),
  (k) =>
    scenario(
      'a bad probe opens it again, once, and the other result is stale',
      {
        low: HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 2, 0],
        resetTimeout: 10,
        halfOpenProbes: 2,
        closeRatio: 1,
      },
      [
        () => k.recordDeliveryAt(CELL, failed, PROBE_1, 0, 5, ME),
        () => k.recordDeliveryAt(CELL, failed, PROBE_1, 0, 5, ME),
        () => k.tryAcquireAt(CELL, 5, ME),
      ],
      (r) =>
        expectAll(
          [
            count(r.slice(0, 2), RECORD_REOPENED) === 1 && count(r, RECORD_STALE) === 1,
            `outcomes ${r.join()}`,
          ],
          [reopens() === 1 && trips() === 0, `${reopens()} reopens, ${trips()} trips`],
          [r[2] === REFUSED_PROBING || r[2] === REFUSED_OPEN, `acquired ${r[2]}`],
          [word().state === 'open' && word().era === 2 && word().failures === 1, `state ${word().state}`],
          [word().version === 1, `version ${word().version} after 1 transition`],
        ),
    ),
  (k) =>
    scenario(
      'probes that never answer open it again, once',
      { low: HALF_OPEN_ERA_1, ledger: [LEDGER_ERA_1 | 1, 0], resetTimeout: 10, halfOpenProbes: 1 },
      [() => k.tryAcquireAt(CELL, 10, ME), () => k.tryAcquireAt(CELL, 10, ME)],
      (r) =>
        expectAll(
          [count(r, REFUSED_OPEN) === 2, `outcomes ${r.join()}`],
          [reopens() === 1 && word().era === 2, `${reopens()} reopens, era ${word().era}`],
        ),
    ),
  (k) =>
    scenario(
      'a thread that slept through an opening does not stamp the next one',
      // Open in era 1, and its opener has died before the stamp.
      { low: OPEN_ERA_1, ledger: [0, 0], resetTimeout: 10, halfOpenProbes: 1 },
      [
        () => k.tryAcquireAt(CELL, 40, ME),
        () => {
          k.tryAcquireAt(CELL, 20, ME);
          if (k.tryAcquireAt(CELL, 30, ME) !== PROBE_1) return 'the other was first';
          if (k.recordDeliveryAt(CELL, failed, PROBE_1, 0, 30, ME) !== RECORD_REOPENED)
            return 'the other was first';
          return [k.tryAcquireAt(CELL, 40, ME), k.tryAcquireAt(CELL, 40, ME)];
        },
      ],
      // Were the later stamp overwritten, everyone would look for the ledger of the word's era for ever.
      ([late, last]) =>
        expectAll([
          last === 'the other was first' ||
            count([late, ...last], PROBE_2) === (word().state === 'half-open' ? 1 : 0),
          `outcomes ${late}; ${last}`,
        ]),
    ),
  (k) =>
    scenario(
      'the time of the last probe does not go back with a thread that is late',
      { low: HALF_OPEN_ERA_1, ledger: [LEDGER_ERA_1, 0], resetTimeout: 10, halfOpenProbes: 2 },
      [() => k.tryAcquireAt(CELL, 15, ME), () => k.tryAcquireAt(CELL, 3, ME)],
      (r) =>
        expectAll(
          [count(r, PROBE_1) === 2, `outcomes ${r.join()}`],
          [
            peek(CELL + cell.offset.ledger + 4) === 15,
            `last probe at ${peek(CELL + cell.offset.ledger + 4)}`,
          ],
        ),
    ),
  (k) =>
    scenario(
      'an opening has its time when it is reported, though a probe was admitted meanwhile',
      {
        low: HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 1, 0],
        resetTimeout: 10,
        halfOpenProbes: 2,
        closeRatio: 1,
      },
      [() => k.recordDeliveryAt(CELL, failed, PROBE_1, 0, 5, ME), () => k.tryAcquireAt(CELL, 5, ME)],
      (r) =>
        expectAll(
          [r[0] === RECORD_REOPENED, `recorded ${r[0]}`],
          [
            peek(CELL + cell.offset.ledger) === 2 << 16 && peek(CELL + cell.offset.ledger + 4) === 5,
            `ledger ${peek(CELL + cell.offset.ledger)} at ${peek(CELL + cell.offset.ledger + 4)}`,
          ],
        ),
    ),
  (k) =>
    scenario(
      'failures of eight eras ago do not count when the era has their number again, and new ones stay',
      {
        low: HALF_OPEN_ERA_1,
        ledger: [LEDGER_ERA_1 | 2, 0],
        halfOpenProbes: 2,
        closeRatio: 0.5,
        failureThreshold: 2,
        ring: [(5 << 3) | 1, (5 << 3) | 1],
      },
      [
        () => k.recordDeliveryAt(CELL, ok, PROBE_1, 0, 6, ME),
        () => [
          k.recordDeliveryAt(CELL, ok, PROBE_1, 0, 6, ME),
          k.recordDeliveryAt(CELL, failed, CLOSED_1, 0, 7, ME),
        ],
      ],
      (r) =>
        expectAll(
          [count([r[0], r[1][0]], RECORD_CLOSED) === 1, `outcomes ${r.join()}`],
          [r[1][1] === RECORD_COUNTED && trips() === 0, 'tripped by one failure'],
          [
            peek(CELL + cell.offset.failures) + peek(CELL + cell.offset.failures + 4) === ((7 << 3) | 1),
            'the ring holds anything but the new failure',
          ],
        ),
    ),
  (k) =>
    scenario(
      'a result without its admission counts for at most as many probes as are out',
      { low: HALF_OPEN_ERA_1, ledger: [LEDGER_ERA_1 | 1, 0], halfOpenProbes: 2, closeRatio: 1 },
      [() => k.recordDeliveryAt(CELL, ok, ANY, 0, 5, ME), () => k.recordDeliveryAt(CELL, ok, ANY, 0, 5, ME)],
      (r) =>
        expectAll(
          [count(r, RECORD_COUNTED) === 1 && count(r, RECORD_STALE) === 1, `outcomes ${r.join()}`],
          [word().state === 'half-open' && word().successes === 1, `state ${word().state}`],
        ),
    ),
  (k) =>
    scenario(
      'a token that is due is paid out once, and survives a lost race',
      { burst: 4, refillPerSecond: 1000, low: 4 << 8, refill: [0, 10] },
      [
        () => k.tryAcquireAt(CELL, 12, ME),
        () => k.tryAcquireAt(CELL, 12, ME),
        () => k.recordDeliveryAt(CELL, ok, CLOSED_0, 0, 12, ME),
      ],
      (r) => {
        const admitted = count(r.slice(0, 2), CLOSED_0);
        return expectAll(
          [admitted + word().tokens === 2, `${admitted} admitted, ${word().tokens} left of 2 that were due`],
          [admitted >= 1 && word().successes === 1, `outcomes ${r.join()}`],
        );
      },
    ),
  (k) =>
    scenario(
      'a token that was claimed is paid in though the breaker opens',
      {
        burst: 4,
        refillPerSecond: 1000,
        low: 1 << 24,
        refill: [0, 10],
        failureThreshold: 1,
        resetTimeout: 100,
      },
      [() => k.tryAcquireAt(CELL, 12, ME), () => k.recordDeliveryAt(CELL, failed, CLOSED_0, 0, 12, ME)],
      (r) => {
        const admitted = count(r.slice(0, 1), CLOSED_0);
        return expectAll(
          [word().tokens + admitted === 3, `${word().tokens} tokens and ${admitted} admitted of 1 and 2 due`],
          [word().state === 'open', `state ${word().state}`],
        );
      },
    ),
];

const ADMIT = 'if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return eraOf(wordLow) << 1;';
const mutants: readonly Mutant[] = [
  {
    name: 'lost update: a token is taken without checking that the word was still the same',
    find: ADMIT,
    replace: 'casWord(cell, wordLow, wordHigh, next, wordHigh); return eraOf(wordLow) << 1;',
  },
  {
    name: 'lost update: a result is counted though its CAS failed',
    find: 'if (casWord(cell, wordLow, wordHigh, bumped(wordLow), nextHigh) != 0)\n        return judge',
    replace: 'casWord(cell, wordLow, wordHigh, bumped(wordLow), nextHigh);\n        return judge',
  },
  {
    name: 'lost update: the quick count of a success does not look at its CAS',
    find: 'if (isWon == 0) return lost();',
    replace: '',
  },
  {
    name: 'the quick count of a success ignores that the breaker is not closed',
    find: 'const closedBits = OPEN_BIT | HALF_OPEN_BIT | MONITORED_BIT;',
    replace: 'const closedBits = MONITORED_BIT;',
  },
  {
    name: 'probe admitted twice: the ledger is written without a CAS',
    find: 'if (compareExchange64(cell + CELL_LEDGER, ledgerLow, since, next, time) == 0) return 0;',
    replace: 'compareExchange64(cell + CELL_LEDGER, ledgerLow, since, next, time);',
  },
  {
    name: 'probe admitted twice: one more than the limit',
    find: 'if ((ledgerLow & LEDGER_ADMITTED_MASK) < get(policy + POLICY_HALF_OPEN_PROBES)) {\n    const',
    replace: 'if ((ledgerLow & LEDGER_ADMITTED_MASK) <= get(policy + POLICY_HALF_OPEN_PROBES)) {\n    const',
  },
  {
    name: 'trip counted twice: whoever finds the window full says so',
    find: 'if (isClosed(wordLow) == 0 || eraOf(wordLow) != era) return RECORD_COUNTED;',
    replace:
      'if (isClosed(wordLow) == 0 || eraOf(wordLow) != era) { add(cell + CELL_TRIPS, 1); return RECORD_TRIPPED; }',
  },
  {
    name: 'trip counted twice: the CAS of the trip is not looked at',
    find: 'if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) {\n      stampLedger',
    replace: 'casWord(cell, wordLow, wordHigh, next, wordHigh); {\n      stampLedger',
  },
  {
    name: 'refill lost: what was claimed is forgotten when the CAS fails',
    find: ADMIT,
    replace: `${ADMIT}\n claimed = 0;`,
  },
  {
    name: 'refill lost: what was claimed is dropped when the breaker is not closed',
    find: 'if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) claimed = 0;',
    replace: 'claimed = 0;',
  },
  {
    name: 'refill paid twice: the claim is not checked',
    find: 'return compareExchange64(cell + CELL_REFILL, fraction, since, left, now) != 0 ? tokens : 0;',
    replace: 'compareExchange64(cell + CELL_REFILL, fraction, since, left, now); return tokens;',
  },
  {
    name: 'open without a version bump',
    file: 'result.ts',
    find: 'const next = bumped(opened(wordLow));',
    replace: 'const next = opened(wordLow);',
  },
  {
    name: 'open again without a version bump',
    file: 'ledger.ts',
    find: 'const next = bumped(opened(wordLow));',
    replace: 'const next = opened(wordLow);',
  },
  {
    name: 'half open without a version bump',
    find: 'bumped(halfOpened(wordLow))',
    replace: 'halfOpened(wordLow)',
  },
  {
    name: 'closed without a version bump',
    find: 'bumped(closed(wordLow)), 0) != 0) return RECORD_CLOSED',
    replace: 'closed(wordLow), 0) != 0) return RECORD_CLOSED',
  },
  {
    name: 'the ledger is read without its era',
    find: 'return ledgerLow >>> LEDGER_ERA_SHIFT == eraOf(wordLow) ? 1 : 0;',
    replace: 'return 1;',
  },
  {
    name: 'a trip begins no new era',
    find: 'const era = (eraOf(low) + 1) & ERA_MASK;',
    replace: 'const era = eraOf(low);',
  },
  {
    name: 'the window is counted before the failure is entered',
    find: '  if (write(cell, policy, now, era) == 0) return 0;\n',
    replace:
      '  let early = 0;\n  for (let i = 0; i < get(policy + POLICY_FAILURE_THRESHOLD); i++)\n    if (isRecent(load(cell + CELL_FAILURES + (i << 2)), policy, now, era) != 0) early++;\n  write(cell, policy, now, era);\n  return early + 1 >= get(policy + POLICY_FAILURE_THRESHOLD) ? 1 : 0;\n',
  },
  {
    name: 'failures of other eras count',
    find: 'if (stamp == 0 || (stamp & ERA_MASK) != era) return 0;',
    replace: 'if (stamp == 0) return 0;',
  },
  {
    name: 'late failures count',
    find: 'return (admission & ANY_ADMISSION) != 0 || ((admission >> 1) & ERA_MASK) == eraOf(low) ? 1 : 0;',
    replace: 'return 1;',
  },
  {
    name: 'late successes count',
    find: 'return admission == ANY_ADMISSION ? closedBits : closedBits | ERA_BITS;',
    replace: 'return closedBits;',
  },
  {
    name: 'results without admission are not bounded by the probes that are out',
    find: 'if (admission == ANY_ADMISSION && probeIsOut(cell, wordLow, wordHigh) == 0) return RECORD_STALE;',
    replace: '',
  },
  {
    name: 'lost probes leave the breaker half open for ever',
    find: 'return elapsedMs(now, since) >= get(policy + POLICY_OPEN_DURATION_MS) ? 1 : 0;',
    replace: 'return 0;',
  },
  {
    name: 'a probe that was just admitted passes for the opening of the breaker',
    find: '} else if (wordIs(cell, wordLow, wordHigh) != 0) {',
    replace: '} else {',
  },
  {
    name: 'the ledger is stamped without a second look at the word',
    find: 'if (eraOf(low()) != eraOf(wordLow)) return 0;',
    replace: '',
    expect: 'truncated',
  },
  {
    name: 'a late thread sets the time of the last probe back',
    find: 'const time = elapsedMs(now, since) == 0 ? since : now;',
    replace: 'const time = now;',
  },
  {
    name: 'the opener leaves the stamp to others when its CAS fails',
    find: 'compareExchange64(cell + CELL_LEDGER, ledgerLow, since, eraOf(wordLow) << LEDGER_ERA_SHIFT, now);',
    replace:
      'compareExchange64(cell + CELL_LEDGER, ledgerLow, since, eraOf(wordLow) << LEDGER_ERA_SHIFT, now); return 0;',
  },
  {
    name: 'failures of eight eras ago are not cleared',
    file: 'result.ts',
    find: 'forgetEra(cell, wordLow, eraOf(wordLow));',
    replace: '',
  },
  {
    name: 'failures are cleared without a look at the word',
    file: 'window.ts',
    find: 'if (eraOf(low()) != current || isClosed(low()) != 0) return;',
    replace: '',
  },
  {
    name: 'reopened twice: the CAS is not looked at',
    find: 'if (casWord(cell, wordLow, wordHigh, next, nextHigh) == 0) return 0;',
    replace: 'casWord(cell, wordLow, wordHigh, next, nextHigh);',
  },
];

test(
  'every interleaving keeps the breaker exact, and every mutant of it is caught',
  () => expectCaught(scenarios, mutants),
  300_000,
);
