import { expect, test } from 'vitest';
import { explore, killsMutants, peek, poke, type Scenario } from '../src/index.ts';
import { compareExchange64, high, load, load64, low } from '../src/twin.ts';
import { caught } from './caught.ts';
import * as counter from './kernel/counter.ts';

/** The counter starts one below the carry. */
const counting = ({ increment }: typeof counter, threads: number): Scenario => {
  const thread = () => increment(8);
  return {
    name: 'counter',
    bytes: 16,
    names: { 8: 'counter' },
    setup: () => poke(8, -1),
    threads: Array.from({ length: threads }, () => thread),
    invariant: () =>
      [peek(8), peek(12)].join() === '-1,0' || peek(12) === 1
        ? undefined
        : 'the halves do not belong together',
    check: () => (peek(8) === threads - 1 && peek(12) === 1 ? undefined : `${peek(12)}:${peek(8)}`),
  };
};

test.each([1, 2, 3])('both halves of a 64-bit word change in one step (%i threads)', (threads) => {
  expect(explore(counting(counter, threads)).complete).toBe(true);
});

test('a lost update and a missing carry die', () => {
  const { kills } = killsMutants<typeof counter>({
    kernel: new URL('./kernel/counter.ts', import.meta.url),
    scenarios: [(kernel) => counting(kernel, 2)],
    mutants: [
      { name: 'no carry', find: '(highHalf + carry) | 0', replace: 'highHalf', expect: 'invariant' },
      {
        name: 'gives up instead of trying again',
        find: '!= 0) return lowHalf;',
        replace: '>= 0) return lowHalf;',
        expect: 'check',
      },
    ],
  });
  expect(kills.map((kill) => kill.violation.trace.length)).toEqual([2, 4]);
});

test('low and high are what the thread itself observed last, also after others ran', () => {
  const writer = () => {
    load64(0);
    compareExchange64(0, low(), high(), 7, 8);
  };
  const reader = () => {
    load64(0);
    const first = [low(), high()];
    load(8); // a step without 64 bits in between
    const second = [low(), high()];
    const failed = compareExchange64(0, 99, 99, 0, 0);
    return { first, second, failed, third: [low(), high()] };
  };
  const seen = new Set<string>();
  explore({
    bytes: 16,
    threads: [writer, reader],
    check: ([, result]) => {
      seen.add(JSON.stringify(result));
      return undefined;
    },
  });
  const of = (first: number[], third: number[]) => JSON.stringify({ first, second: first, failed: 0, third });
  expect([...seen].toSorted()).toEqual(
    [of([0, 0], [0, 0]), of([0, 0], [7, 8]), of([7, 8], [7, 8])].toSorted(),
  );
});

test('traces show 64-bit words as two hexadecimal halves', () => {
  const { trace } = caught({
    bytes: 8,
    threads: [() => compareExchange64(0, 0, 0, -1, 1)],
    check: () => 'wrong',
  });
  expect(trace[0]).toMatch(/compareExchange64 +@0 {2}0x00000000_00000000 -> 0x00000001_ffffffff/);
});
