// One thread on the twin does what the same calls of `Atomics` do.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { explore, peek } from '../src/index.ts';
import * as twin from '../src/twin.ts';

const WORDS = 2;
const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
const pairs = new BigInt64Array(new SharedArrayBuffer(8));
const join = (low: number, high: number): bigint =>
  BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
const halves = (pair: bigint): number[] => [
  Number(BigInt.asIntN(32, pair)),
  Number(BigInt.asIntN(32, pair >> 32n)),
];

type Call = (index: number, a: number, b: number) => number | void;
/** What stands in for each function of the seam on 32-bit words. */
const narrow: Record<string, readonly [twin: Call, atomics: Call]> = {
  load: [(i) => twin.load(4 * i), (i) => Atomics.load(words, i)],
  store: [(i, a) => twin.store(4 * i, a), (i, a) => void Atomics.store(words, i, a)],
  add: [(i, a) => twin.add(4 * i, a), (i, a) => Atomics.add(words, i, a)],
  sub: [(i, a) => twin.sub(4 * i, a), (i, a) => Atomics.sub(words, i, a)],
  and: [(i, a) => twin.and(4 * i, a), (i, a) => Atomics.and(words, i, a)],
  or: [(i, a) => twin.or(4 * i, a), (i, a) => Atomics.or(words, i, a)],
  exchange: [(i, a) => twin.exchange(4 * i, a), (i, a) => Atomics.exchange(words, i, a)],
  compareExchange: [
    (i, a, b) => twin.compareExchange(4 * i, a, b),
    (i, a, b) => Atomics.compareExchange(words, i, a, b),
  ],
  get: [(i) => twin.get(4 * i), (i) => words[i]!],
  set: [(i, a) => twin.set(4 * i, a), (i, a) => void (words[i] = a)],
  wait: [
    (i, a) => twin.wait(4 * i, a, 0),
    (i, a) => ['ok', 'not-equal', 'timed-out'].indexOf(Atomics.wait(words, i, a, 0)),
  ],
  notify: [(i, a) => twin.notify(4 * i, a), (i, a) => Atomics.notify(words, i, a < 0 ? Infinity : a)],
};

const value = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000), fc.integer());
const call = fc.tuple(fc.constantFrom(...Object.keys(narrow)), fc.nat({ max: WORDS - 1 }), value, value);

test('32-bit words', () => {
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 20 }), (calls) => {
      words.fill(0);
      const expected = calls.map(([name, i, a, b]) => narrow[name]![1](i, a, b));
      explore({
        bytes: 8,
        threads: [() => calls.map(([name, i, a, b]) => narrow[name]![0](i, a, b))],
        check: ([results]) => {
          expect(results).toEqual(expected);
          expect([peek(0), peek(4)]).toEqual([...words]);
          return undefined;
        },
      });
    }),
  );
});

test('64-bit words', () => {
  const step = fc.tuple(fc.boolean(), value, value, value, value);
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      pairs.fill(0n);
      // Half of the exchanges expect what is there, so that they succeed.
      const plan = steps.map(([hits, a, b, c, d]) => {
        const expectedPair = hits ? pairs[0]! : join(a, b);
        const before = Atomics.compareExchange(pairs, 0, expectedPair, join(c, d));
        return {
          call: [...halves(expectedPair), c, d],
          result: before === expectedPair ? 1 : 0,
          seen: halves(before),
        };
      });
      explore({
        bytes: 8,
        threads: [
          () =>
            plan.map(({ call: [a, b, c, d] }) => {
              const result = twin.compareExchange64(0, a!, b!, c!, d!);
              const seen = [twin.low(), twin.high()];
              twin.load64(0);
              return { result, seen, now: [twin.low(), twin.high()] };
            }),
        ],
        check: ([results]: readonly { result: number; seen: number[]; now: number[] }[][]) => {
          expect(results!.map(({ result, seen }) => ({ result, seen }))).toEqual(
            plan.map(({ result, seen }) => ({ result, seen })),
          );
          expect(results!.at(-1)!.now).toEqual(halves(pairs[0]!));
          expect([peek(0), peek(4)]).toEqual(halves(pairs[0]!));
          return undefined;
        },
      });
    }),
  );
});

test('arithmetic of 64-bit words', () => {
  const bits = (word: twin.Word): bigint => BigInt.asUintN(64, join(word.low, word.high));
  const near = fc
    .tuple(value, value, fc.constantFrom(-1, 0, 1))
    .map(([a, b, c]) => [a, b, a + c, b] as const);
  fc.assert(
    fc.property(fc.oneof(fc.tuple(value, value, value, value), near), ([a, b, c, d]) => {
      const [x, y] = [twin.join64(a, b), twin.join64(c, d)];
      expect(bits(twin.plus64(x, y))).toBe(BigInt.asUintN(64, bits(x) + bits(y)));
      expect(bits(twin.minus64(x, y))).toBe(BigInt.asUintN(64, bits(x) - bits(y)));
      expect(bits(twin.masked64(x, c, d))).toBe(bits(x) & bits(y));
      expect(twin.isAbove64(x, y)).toBe(bits(x) > bits(y) ? 1 : 0);
      expect([twin.isAbove64(x, x), twin.lowHalf(x), twin.highHalf(x)]).toEqual([0, a, b]);
    }),
  );
});

test('64-bit words as values', () => {
  fc.assert(
    fc.property(value, value, value, value, fc.boolean(), (a, b, c, d, stale) => {
      const sum = BigInt.asIntN(64, join(a, b) + join(c, d));
      explore({
        bytes: 8,
        setup: () => void twin.compareExchange64(0, 0, 0, a, b),
        threads: [
          () => {
            const seen = twin.word64(0);
            const next = twin.sum64(seen, c, d);
            const expected = stale ? twin.sum64(seen, 1, 0) : seen;
            twin.relax(10);
            return [twin.lowHalf(seen), twin.highHalf(seen), twin.replace64(0, expected, next)];
          },
        ],
        check: ([result]: readonly number[][]) => {
          expect(result).toEqual([a, b, stale ? 0 : 1]);
          expect([peek(0), peek(4)]).toEqual(stale ? [a, b] : halves(sum));
          return undefined;
        },
      });
    }),
  );
});
