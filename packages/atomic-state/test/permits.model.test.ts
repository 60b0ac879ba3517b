import { peek, type Mutant, type Scenario } from '@corelane/interleave';
import { test } from 'vitest';
import {
  admission as bits,
  RECORD_COUNTED,
  RECORD_STALE,
  REFUSED_BUSY,
  REFUSED_OPEN,
  REFUSED_THROTTLED,
} from '../src/layout.ts';
import { CELL, count, expectAll, expectCaught, PERMITS, scenario, word, type Kernel } from './model.ts';

const MONITORED_OPEN_ERA_1 = (100 << 24) | ((1 | 8 | (1 << 5)) << 8);
const LEDGER_ERA_1 = 1 << 16;
const GENERATION = 1 << 20;
const OWNER = GENERATION - 1;

/** Of the closed first era, with the permit of this index in this generation. */
const held = (index: number, generation = 0): number =>
  ((index + 1) << bits.field.permit.shift) | (generation << bits.field.generation.shift);

const owners = (permits: number): number[] =>
  Array.from({ length: permits }, (_, i) => peek(PERMITS + 4 * i) & OWNER);
const out = (permits: number): number => owners(permits).filter((owner) => owner !== 0).length;

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'two permits admit two of three',
      { capacity: 2 },
      [1, 2, 3].map((me) => () => k.tryAcquireAt(CELL, 0, me)),
      (r) =>
        expectAll(
          [count(r, REFUSED_BUSY) === 1, `outcomes ${r.join()}`],
          [new Set(r).size === 3, `one permit given twice: ${r.join()}`],
          [out(2) === 2, `${out(2)} permits out`],
        ),
    ),
  (k) =>
    scenario(
      'a result that comes twice gives its permit back once, and counts once',
      { capacity: 1, permits: [1] },
      [1, 2].map((me) => () => k.recordDeliveryAt(CELL, 1, held(0), 0, 0, me)),
      (r) =>
        expectAll(
          [count(r, RECORD_COUNTED) === 1 && count(r, RECORD_STALE) === 1, `outcomes ${r.join()}`],
          [word().successes === 1, `${word().successes} successes`],
          [out(1) === 0 && peek(PERMITS) === GENERATION, `permit ${peek(PERMITS)}`],
        ),
    ),
  (k) =>
    scenario(
      'a result that comes twice does not give back the permit of the next call',
      { capacity: 1, permits: [1] },
      [
        () => [k.recordDeliveryAt(CELL, 1, held(0), 0, 0, 1), k.recordDeliveryAt(CELL, 1, held(0), 0, 0, 1)],
        () => k.tryAcquireAt(CELL, 0, 2),
      ],
      ([, admission]) =>
        expectAll([
          owners(1)[0] === (admission >= 0 ? 2 : 0),
          `permit of ${owners(1).join()} after ${admission}`,
        ]),
    ),
  (k) =>
    scenario(
      'what a dead thread had comes back once, though its result comes as well',
      { capacity: 2, permits: [2, 5] },
      [
        () => k.reclaimEndpoint(CELL, 2),
        () => k.recordDeliveryAt(CELL, 1, held(0), 0, 0, 1),
        () => k.tryAcquireAt(CELL, 0, 3),
      ],
      ([reclaimed, recorded, admission]) =>
        expectAll(
          [
            reclaimed + count([recorded], RECORD_COUNTED) === 1,
            `reclaimed ${reclaimed}, recorded ${recorded}`,
          ],
          [owners(2)[1] === 5, 'took what a living thread has'],
          [owners(2)[0] === (admission >= 0 ? 3 : 0), `permit of ${owners(2)[0]} after ${admission}`],
        ),
    ),
  (k) =>
    scenario(
      'who is refused by the breaker keeps no permit',
      { capacity: 1, low: MONITORED_OPEN_ERA_1, ledger: [LEDGER_ERA_1, 0], resetTimeout: 10 },
      [1, 2].map((me) => () => k.tryAcquireAt(CELL, 5, me)),
      (r) =>
        expectAll(
          [count(r, REFUSED_OPEN) === 2, `outcomes ${r.join()}`],
          [out(1) === 0, `${out(1)} permits out`],
        ),
    ),
  (k) =>
    scenario(
      'who is throttled keeps no permit',
      { capacity: 2, burst: 1, refillPerSecond: 1 },
      [1, 2].map((me) => () => k.tryAcquireAt(CELL, 0, me)),
      (r) =>
        expectAll(
          [count(r, REFUSED_THROTTLED) === 1, `outcomes ${r.join()}`],
          [out(2) === 1, `${out(2)} permits out`],
        ),
    ),
];

const mutants: readonly Mutant[] = [
  {
    name: 'a permit is claimed without looking at the CAS',
    find: 'if ((seen & PERMIT_OWNER_MASK) == 0 && compareExchange(at, seen, seen | me) == seen)',
    replace:
      'if ((seen & PERMIT_OWNER_MASK) == 0) compareExchange(at, seen, seen | me);\n if ((seen & PERMIT_OWNER_MASK) == 0)',
  },
  {
    name: 'any result gives back, whatever its generation',
    find: 'if ((seen & PERMIT_OWNER_MASK) == 0 || generationOf(seen) != generation) return 0;',
    replace: 'if ((seen & PERMIT_OWNER_MASK) == 0) return 0;',
  },
  {
    name: 'giving back does not look at its CAS',
    find: 'if (compareExchange(at, seen, freed(seen)) != seen) return 0;',
    replace: 'compareExchange(at, seen, freed(seen));',
  },
  {
    name: 'a permit comes back in its old generation',
    find: 'return ((generationOf(permit) + 1) & PERMIT_GENERATION_MASK) << PERMIT_GENERATION_SHIFT;',
    replace: 'return generationOf(permit) << PERMIT_GENERATION_SHIFT;',
  },
  {
    name: 'reclaiming takes what others have',
    find: 'if ((seen & PERMIT_OWNER_MASK) != dead) continue;',
    replace: 'if ((seen & PERMIT_OWNER_MASK) == 0) continue;',
  },
  {
    name: 'reclaiming does not look at its CAS',
    find: 'if (compareExchange(at, seen, freed(seen)) == seen) reclaimed',
    replace: 'compareExchange(at, seen, freed(seen)); reclaimed',
  },
  {
    name: 'who is refused keeps the permit',
    find: '  releasePermit(cell, policy, permit);\n',
    replace: '',
  },
  {
    name: 'a result counts though its permit had come back',
    find: 'if (permitOf(admission) != 0 && releasePermit(cell, policy, admission) == 0) return RECORD_STALE;',
    replace: 'if (permitOf(admission) != 0) releasePermit(cell, policy, admission);',
  },
];

test(
  'every interleaving keeps calls in flight within the permits, and every mutant is caught',
  () => expectCaught(scenarios, mutants),
  120_000,
);
