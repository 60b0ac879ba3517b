// All interleavings of the 64-bit words: a reader gets a value that was put, whole.
import { killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Word64 from '../kernel/word64.ts';

const AT = 8;
const VALUES = [
  [1, 11],
  [2, 22],
  [3, 33],
] as const;

function read(kernel: typeof Word64): string {
  kernel.observe64(AT);
  return `${kernel.observedLow()},${kernel.observedHigh()}`;
}

const putting = (kernel: typeof Word64): Scenario => ({
  name: 'three puts against two reads',
  bytes: 16,
  names: { 8: 'value' },
  threads: [
    () => VALUES.forEach(([low, high]) => kernel.put64(AT, low, high)),
    () => [read(kernel), read(kernel)],
  ],
  check: ([, reads]: readonly string[][]) => {
    const order = ['0,0', ...VALUES.map(String)];
    const [first, second] = reads!.map((value) => order.indexOf(value)) as [number, number];
    if (first < 0 || second < 0) return `torn: ${reads!.join(' and ')}`;
    if (second < first) return `went back: ${reads!.join(' and ')}`;
    return read(kernel) === '3,33' ? undefined : `ended with ${read(kernel)}`;
  },
});

const mutants: Mutant[] = [
  {
    name: 'puts two halves',
    find: 'load64(at);\n  while (true) {',
    replace:
      'compareExchange(at, load(at), lowHalf); compareExchange(at + 4, load(at + 4), highHalf);\n  return;\n  while (true) {',
  },
  {
    name: 'gives up after a CAS that it expects to fail',
    find: 'if (compareExchange64(at, low(), high(), lowHalf, highHalf) != 0) return;',
    replace: 'compareExchange64(at, lowHalf, highHalf, lowHalf, highHalf); return;',
  },
  { name: 'the high half of the reader is the low one', find: 'return high();', replace: 'return low();' },
];

test('words are never torn, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<typeof Word64>({
    kernel: new URL('../kernel/word64.ts', import.meta.url),
    mutants,
    scenarios: [putting],
  });
  expect(baseline.every(({ complete }) => complete)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});
