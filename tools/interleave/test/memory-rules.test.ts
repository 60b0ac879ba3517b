import { expect, test } from 'vitest';
import { explore } from '../src/index.ts';
import { add, get, load, load64, set, store } from '../src/twin.ts';
import { caught } from './caught.ts';

test('a plain access next to a write of the same word is a race', () => {
  const { kind, why, trace } = caught({ bytes: 8, threads: [() => get(0), () => store(0, 1)] });
  expect(kind).toBe('race');
  expect(why).toBe('t0 plain get @0 and t1 store @0 are both next');
  expect(trace).toEqual([]);
});

test('two plain writes race', () => {
  expect(caught({ bytes: 8, threads: [() => set(0, 1), () => set(0, 1)] }).kind).toBe('race');
});

test('a race that only one schedule has is found, with that schedule', () => {
  const owner = () => {
    if (load(4) === 1) set(0, 1);
  };
  const other = () => {
    store(4, 1);
    set(0, 2);
  };
  const { kind, trace } = caught({ bytes: 8, threads: [owner, other] });
  expect(kind).toBe('race');
  expect(trace).toHaveLength(2);
});

test.each([
  ['two atomic writes', () => store(0, 1), () => add(0, 1)],
  ['two plain loads', () => get(0), () => get(0)],
  ['a plain and an atomic load', () => get(0), () => load(0)],
  ['plain accesses to different words', () => set(0, 1), () => set(4, 1)],
])('%s do not race', (_, one, other) => {
  expect(explore({ bytes: 8, threads: [one, other] }).complete).toBe(true);
});

test('a plain word that an atomic one hands over does not race', () => {
  const writer = () => {
    set(0, 42);
    store(4, 1);
  };
  const reader = () => (load(4) === 1 ? get(0) : -1);
  const results = new Set<number>();
  explore({
    bytes: 8,
    threads: [writer, reader],
    check: ([, result]) => {
      results.add(result as number);
      return undefined;
    },
  });
  expect([...results].toSorted((a, b) => a - b)).toEqual([-1, 42]);
});

test('races are let pass exactly where the scenario allows them', () => {
  const threads = [() => get(4), () => store(4, 1)];
  expect(explore({ bytes: 8, threads, allowRaces: [{ at: 4, bytes: 4 }] }).ends).toBe(2);
  expect(caught({ bytes: 8, threads, allowRaces: [{ at: 0, bytes: 4 }] }).kind).toBe('race');
});

test('the same bytes with 32 and 64 bits are reported, whoever comes second', () => {
  const { kind, why, trace } = caught({
    bytes: 16,
    threads: [
      () => {
        load(0);
        store(12, 1);
      },
      () => load64(8),
    ],
  });
  expect(kind).toBe('mixed-size');
  expect(why).toContain('store (32 bits) at 12 and load64 (64 bits) at 8 access the same bytes');
  expect(trace).toHaveLength(1);
});

test.each([
  ['unaligned', () => load(2), 'load at 2: expected a multiple of 4'],
  ['unaligned 64 bits', () => load64(4), 'load64 at 4: expected a multiple of 8'],
  ['below', () => load(-4), 'load of 4 bytes at -4, the memory has 16 bytes'],
  ['above', () => store(16, 0), 'store of 4 bytes at 16, the memory has 16 bytes'],
  ['above with 64 bits', () => load64(16), 'load64 of 8 bytes at 16, the memory has 16 bytes'],
  ['not a number', () => load(Number.NaN), 'load at NaN: not a byte address'],
])('an address out of place is reported: %s', (_, thread, why) => {
  const violation = caught({ bytes: 16, threads: [thread] });
  expect(violation.kind).toBe('bounds');
  expect(violation.why).toBe(`t0: ${why}`);
});
