import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explore, peek, poke } from '../src/index.ts';
import * as twin from '../src/twin.ts';

test('the twin has exactly the functions of the production build of the seam, with as many parameters', () => {
  const source = readFileSync(
    new URL('../../../packages/shared-memory/kernel/atomics.ts', import.meta.url),
    'utf8',
  );
  const signatures = [...source.matchAll(/^export function (\w+)\(([^)]*)\)/gm)].map(
    ([, name, parameters]) =>
      [name!, parameters!.split(',').filter((each) => each.trim() !== '').length] as const,
  );
  expect(signatures.length).toBeGreaterThan(10);
  expect(Object.fromEntries(Object.entries(twin).map(([name, f]) => [name, f.length]))).toEqual(
    Object.fromEntries(signatures),
  );
});

test('an access outside a search is an error that says so', () => {
  expect(() => twin.load(8)).toThrow(
    expect.objectContaining({ code: 'ERR_OUTSIDE_SEARCH', message: expect.stringContaining('load at 8') }),
  );
  expect(() => peek(0)).toThrow(expect.objectContaining({ code: 'ERR_OUTSIDE_SEARCH' }));
});

test('after a search, however it ended, the twin is outside again', () => {
  explore({ bytes: 8, threads: [() => twin.load(0)] });
  expect(() => twin.load(0)).toThrow(/outside a search/);
  const failing = () => explore({ bytes: 8, threads: [() => twin.load(0)], check: () => 'wrong' });
  expect(failing).toThrow(/check: wrong/);
  expect(() => twin.load(0)).toThrow(/outside a search/);
});

test('a search within a search is refused', () => {
  const nested = () => explore({ bytes: 8, threads: [() => twin.load(0)] });
  expect(() => explore({ bytes: 8, setup: () => void nested(), threads: [() => 0] })).toThrow(
    expect.objectContaining({ code: 'ERR_SCENARIO' }),
  );
});

test('callbacks run straight through, within the same rules', () => {
  const inSetup = (setup: () => void) => () => explore({ bytes: 8, setup, threads: [() => twin.load(0)] });
  expect(inSetup(() => twin.store(8, 1))).toThrow(/store of 4 bytes at 8, the memory has 8 bytes/);
  expect(inSetup(() => poke(2, 1))).toThrow(/2 is not the address of a word/);
  expect(inSetup(() => void twin.wait(0, 0, -1))).toThrow(/would park a callback for ever/);
  const seen: number[] = [];
  inSetup(() => {
    poke(0, 3);
    twin.load64(0);
    seen.push(twin.low(), twin.high(), twin.compareExchange64(0, 3, 0, 4, 5), peek(0), peek(4));
    seen.push(twin.or(0, 3), twin.and(0, 6), twin.sub(0, 1), twin.exchange(0, 9), twin.get(0));
    twin.set(0, 1);
    seen.push(twin.load(0), twin.notify(0, -1), twin.wait(0, 7, -1));
  })();
  expect(seen).toEqual([3, 0, 1, 4, 5, 4, 7, 6, 5, 9, 1, 0, 1]);
});

test('words are 32-bit integers that wrap', () => {
  explore({
    bytes: 8,
    setup: () => poke(0, 0x7fffffff),
    threads: [() => twin.add(0, 1)],
    check: () => (peek(0) === -0x80000000 ? undefined : `${peek(0)}`),
  });
});
