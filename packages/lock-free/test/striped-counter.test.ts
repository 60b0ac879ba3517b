import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { StripedCounter } from '../src/index.ts';
import { stripedCounterRoot } from '../src/layout.ts';

const arena = Arena.create({ bytes: 1 << 20 });
const create = (stripes: number): StripedCounter => StripedCounter.create(arena, { stripes });

describe('StripedCounter', () => {
  test('sums what all its objects add, up and down', () => {
    const counter = create(4);
    const others = Array.from({ length: 5 }, () => StripedCounter.attach(structuredClone(counter.handle)));
    expect([counter, ...others].map(({ stripe }) => stripe)).toEqual([0, 1, 2, 3, 0, 1]);
    for (const [i, other] of others.entries()) other.add(i);
    counter.add(-3);
    expect(counter.sum()).toBe(7);
    expect(others[0]?.sum()).toBe(7);
    expect(counter.sumAndReset()).toBe(7);
    expect(counter.sum()).toBe(0);
    expect(counter.sumAndReset()).toBe(0);
  });

  test.each([
    [2 ** 31, 2 ** 31 - 1, 1],
    [2 ** 32, -1, 1],
    [-(2 ** 32), -1, -7],
    [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 5],
    [0xffff_ffff, 1, 0xffff_ffff],
    [-(2 ** 31), -(2 ** 31), 3],
  ])('%d, %d and %d on two stripes give their sum, in 64 bits', (a, b, c) => {
    const counter = create(2);
    const other = StripedCounter.attach(counter.handle, arena);
    counter.add(a);
    other.add(b);
    counter.add(c);
    expect(counter.sum()).toBe(a + b + c);
    expect(counter.sumBigInt()).toBe(BigInt(a) + BigInt(b) + BigInt(c));
  });

  test('beyond 2^53 the sum is the nearest number, the BigInt exact, and it wraps at 2^63', () => {
    const counter = create(1);
    let exact = 0n;
    for (let i = 0; i < 1024; i++) {
      counter.add(Number.MAX_SAFE_INTEGER);
      exact += BigInt(Number.MAX_SAFE_INTEGER);
    }
    expect(counter.sumBigInt()).toBe(exact);
    expect(counter.sum()).toBe(Number(exact));
    counter.add(1024);
    expect(counter.sumBigInt()).toBe(-(2n ** 63n));
  });

  test.each([0.5, 2 ** 53, Number.NaN, Infinity])('%d is not added', (n) => {
    const counter = create(1);
    expect(() => counter.add(n)).toThrow(ArgumentRangeError);
    expect(counter.sum()).toBe(0);
  });

  test.each([
    [1, 1],
    [3, 4],
    [1024, 1024],
  ])('%i stripes become %i', (wanted, stripes) => {
    expect(create(wanted).stripes).toBe(stripes);
  });

  test.each([0, 1025, 1.5, Number.NaN])('%d stripes are refused', (stripes) => {
    expect(() => create(stripes)).toThrow(ArgumentRangeError);
  });

  test.each([0, 3, 8, 2048])('attaching refuses a root whose stripes were overwritten with %i', (stripes) => {
    const counter = create(4);
    arena.i32[(counter.handle.at >> 2) + stripedCounterRoot.word.stripes] = stripes;
    expect(() => StripedCounter.attach(counter.handle)).toThrow(AttachError);
  });
});
