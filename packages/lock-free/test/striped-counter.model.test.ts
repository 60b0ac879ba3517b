// All interleavings of the counter's kernel: two threads on one stripe whose low half overflows, and one that reads or drains.
import { explore, killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Counter from '../kernel/striped-counter.ts';
import * as counter from '../kernel/striped-counter.ts';
import { counterStripe, stripedCounterRoot } from '../src/layout.ts';

type Kernel = typeof Counter;

const AT = 0;
const STRIPES = 2;
const TWO_32 = 2 ** 32;
const NAMES = {
  [AT + stripedCounterRoot.bytes]: 'stripe0',
  [AT + stripedCounterRoot.bytes + counterStripe.bytes]: 'stripe1',
  [AT + stripedCounterRoot.offset.next]: 'next',
};

/** As the class adds. */
const add = (k: Kernel, stripe: number, n: number): void =>
  k.addToStripe(AT, stripe, n | 0, Math.floor(n / TWO_32));

const observe = (k: Kernel, stripe: number): number =>
  (k.observeStripe(AT, stripe) >>> 0) + k.observedHigh() * TWO_32;

const drain = (k: Kernel): number => {
  let sum = 0;
  for (let stripe = 0; stripe < STRIPES; stripe++)
    sum += (k.drainStripe(AT, stripe) >>> 0) + k.observedHigh() * TWO_32;
  return sum;
};

const START = TWO_32 - 1;
const scenario = (
  k: Kernel,
  name: string,
  threads: Scenario['threads'],
  check: (results: readonly number[]) => string | undefined,
): Scenario => ({
  name,
  bytes: AT + stripedCounterRoot.bytes + STRIPES * counterStripe.bytes,
  names: NAMES,
  setup: () => {
    k.initializeCounter(AT, STRIPES);
    add(k, 0, START);
  },
  threads,
  check: (results) => check(results as number[]),
});

const adder =
  (k: Kernel, stripe: number, ...numbers: readonly number[]) =>
  (): number => {
    for (const n of numbers) add(k, stripe, n);
    return 0;
  };

const total = (k: Kernel, expected: number): string | undefined => {
  const sum = drain(k);
  return sum === expected ? undefined : `holds ${sum}, expected ${expected}`;
};

const SCENARIOS = [
  (k: Kernel): Scenario => {
    const thread = adder(k, 0, 1, 2);
    return scenario(k, 'two threads on one stripe, over 2^32', [thread, thread], () => total(k, START + 6));
  },
  (k: Kernel): Scenario =>
    scenario(k, 'up and down over 2^32, on both stripes', [adder(k, 0, 1, -2), adder(k, 1, -1, TWO_32)], () =>
      total(k, START - 2 + TWO_32),
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'a reader never sees half of an addition',
      [adder(k, 0, 1), adder(k, 0, 1), (): number => observe(k, 0)],
      ([, , seen = 0]) => (seen >= START && seen <= START + 2 ? undefined : `saw ${seen}`),
    ),
  (k: Kernel): Scenario => {
    const drainer = (): number => drain(k);
    return scenario(
      k,
      'each addition is drained once',
      [adder(k, 0, 1, 1), drainer, drainer],
      ([, first = 0, second = 0]) => total(k, START + 2 - first - second),
    );
  },
  (k: Kernel): Scenario => {
    const thread = (): number => k.takeStripe(AT, STRIPES);
    return scenario(k, 'two threads get two stripes', [thread, thread], ([first, second]) =>
      first === second ? `both have ${first}` : undefined,
    );
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'an addition gives up instead of trying again',
    find: '(above + highHalf + carry) | 0) != 0) return;',
    replace: '(above + highHalf + carry) | 0) >= 0) return;',
  },
  { name: 'no carry', find: 'above + highHalf + carry', replace: 'above + highHalf' },
  {
    name: 'the carry compares signed',
    find: '(sum ^ -0x80000000) < (lowHalf ^ -0x80000000)',
    replace: 'sum < lowHalf',
  },
  {
    name: 'draining reads and then clears',
    find: 'compareExchange64(at, lowHalf, highHalf, 0, 0) != 0',
    replace: '(load64(at), compareExchange64(at, low(), high(), 0, 0)) != 0',
  },
  {
    name: 'draining gives up instead of trying again',
    find: 'compareExchange64(at, lowHalf, highHalf, 0, 0) != 0',
    replace: 'compareExchange64(at, lowHalf, highHalf, 0, 0) >= 0',
  },
  {
    name: 'a stripe is taken without an atomic addition',
    find: 'return add(counter + STRIPED_COUNTER_ROOT_NEXT, 1) & (stripes - 1);',
    replace:
      'const taken = load(counter + STRIPED_COUNTER_ROOT_NEXT); store(counter + STRIPED_COUNTER_ROOT_NEXT, taken + 1); return taken & (stripes - 1);',
  },
];

describe('striped counter, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(counter)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/striped-counter.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
