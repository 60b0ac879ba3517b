import { expect, test } from 'vitest';
import { explore, peek, type Scenario } from '../src/index.ts';
import * as deque from './kernel/deque.ts';

const FRONT = 0;
const BACK = 4;
const MASK = 1;

type Kernel = typeof deque;

function scenario({ push, pop, steal }: Kernel, thieves: number, steals: number): Scenario {
  const owner = () => {
    let pushed = 0;
    for (const value of [11, 12]) pushed += push(0, MASK, value);
    const got = [pop(0, MASK)];
    pushed += push(0, MASK, 13);
    got.push(pop(0, MASK), pop(0, MASK));
    return { got, pushed };
  };
  const thief = () => ({ got: Array.from({ length: steals }, () => steal(0, MASK)), pushed: 0 });
  return {
    name: `deque, ${thieves} thieves, ${steals} steals`,
    bytes: 16,
    names: { 0: 'front', 4: 'back', 8: 'slot0', 12: 'slot1' },
    threads: [owner, ...Array.from({ length: thieves }, () => thief)],
    check: (results: readonly { got: number[]; pushed: number }[]) => {
      const got = results.flatMap((result) => result.got).filter((value) => value > 0);
      if (new Set(got).size !== got.length) return `taken twice: ${got}`;
      if (got.some((value) => ![11, 12, 13].includes(value))) return `invented: ${got}`;
      const left = peek(BACK) - peek(FRONT);
      const pushed = results[0]!.pushed;
      return got.length + left === pushed ? undefined : `took ${got.length}, left ${left}, pushed ${pushed}`;
    },
  };
}

test.each([
  [1, 2],
  [2, 1],
  [2, 2],
])('no item is lost or taken twice with %i thieves of %i steals', (thieves, steals) => {
  const start = performance.now();
  for (const reduction of [true, false]) {
    const result = explore({ ...scenario(deque, thieves, steals), reduction });
    console.log(reduction, result, performance.now() - start);
    expect(result.complete).toBe(true);
  }
});
