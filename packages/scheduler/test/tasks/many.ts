import { defineTasks } from '../../src/index.ts';

export const many = defineTasks(import.meta.url, {
  double: (n: number) => 2 * n,
  echo: (value: unknown) => value,
  refuse: (n: number) => {
    if (n === 3) throw new RangeError('not 3');
    return n;
  },
  /** In order, or it throws. */
  sometimesLater: (n: number) => {
    if (n % 3 === 0) return Promise.resolve(n * 10);
    return n % 3 === 1 ? n * 10 : later(n);
  },
});

function* later(n: number): Generator<undefined, number> {
  yield;
  return n * 10;
}
