import { expect, test } from 'vitest';
import { explore, peek, poke, type Scenario } from '../src/index.ts';
import { add, compareExchange64, high, load, load64, low } from '../src/twin.ts';

/** One thread adds to `words` words, `spacing` bytes apart, while another looks at the last two. */
const spread = (words: number, spacing: number): Scenario => {
  const at = (word: number): number => word * spacing;
  return {
    bytes: words * spacing,
    setup: () => {
      for (let i = 0; i < words; i++) poke(at(i), 100 * i);
    },
    threads: [
      () => {
        for (let i = 0; i < words; i++) add(at(i), i + 1);
      },
      () => load(at(words - 1)) - load(at(words - 2)),
    ],
    reduction: false,
    check: () => {
      for (let i = 0; i < words; i++) if (peek(at(i)) !== 101 * i + 1) return `word ${i} is ${peek(at(i))}`;
      return undefined;
    },
  };
};

test.each([2, 12, 40, 70])('%i words far apart are the same search as close together', (words) => {
  const far = explore(spread(words, 128));
  expect(far).toEqual(explore(spread(words, 8)));
  // The reader sees the last two words before, after, or between the two additions.
  expect(far.ends).toBe(3);
  const reduced = explore({ ...spread(words, 128), reduction: true });
  expect(reduced.ends).toBe(3);
  expect(reduced.states).toBe(words + 10);
});

test('words that no thread touches keep what setup left', () => {
  explore({
    bytes: 4096,
    setup: () => {
      for (let at = 0; at < 4096; at += 4) poke(at, at);
    },
    threads: [
      () => add(2048, 1),
      () => {
        load64(64);
        return [low(), high(), compareExchange64(64, 64, 68, 7, 8)];
      },
      () => load(4092),
    ],
    check: ([, halves, last]) => {
      for (let at = 0; at < 4096; at += 4) {
        const expected = at === 2048 ? 2049 : at === 64 ? 7 : at === 68 ? 8 : at;
        if (peek(at) !== expected) return `word at ${at} is ${peek(at)}, expected ${expected}`;
      }
      return JSON.stringify([halves, last]) === '[[64,68,1],4092]' ? undefined : 'read something else';
    },
  });
});

test('thousands of contents stay apart', () => {
  const digits = (at: number) => () => {
    for (let i = 0; i < 12; i++) add(at, 1);
  };
  const { states } = explore({ bytes: 16, threads: [digits(0), digits(4), digits(8)], reduction: false });
  expect(states).toBe(13 ** 3);
});
