import { expect, test } from 'vitest';
import { groupByDistance } from '../src/topology/distance-groups.ts';
import { range } from './machine.ts';

/** Groups found, of nodes with one CPU each, by number. */
function groups(rows: readonly (readonly number[])[], refuse = false): (readonly number[])[] {
  const found: (readonly number[])[] = [];
  groupByDistance({ cpus: rows.map((_, index) => [index]), rows }, (cpus) => {
    found.push(cpus);
    return !refuse;
  });
  return found;
}

/** Distances by the lowest level of groups that two share: 12 within 2, 20 within 4, 40 beyond. */
const nested: number[][] = range(0, 8).map((i) =>
  range(0, 8).map((j) => {
    if (i === j) return 10;
    if (i >> 1 === j >> 1) return 12;
    return i >> 2 === j >> 2 ? 20 : 40;
  }),
);

test('groups of groups are found from the inside out, but not one of all', () => {
  expect(groups(nested)).toEqual([[0, 1], [2, 3], [4, 5], [6, 7], range(0, 4), range(4, 8)]);
});

test('above a level of which a group was refused there is nothing', () => {
  expect(groups(nested, true)).toHaveLength(4);
});

test('distances that are not symmetric, or not least to oneself, group nothing', () => {
  expect(groups(nested.with(0, nested[0]?.with(7, 41) ?? []))).toEqual([]);
  expect(groups(nested.with(2, nested[2]?.with(2, 12) ?? []))).toEqual([]);
});

test('all alike, or just two: nothing to tell', () => {
  expect(groups(range(0, 5).map((i) => range(0, 5).map((j) => (i === j ? 10 : 20))))).toEqual([]);
  expect(
    groups([
      [10, 12],
      [12, 10],
    ]),
  ).toEqual([]);
});

test('as in hwloc, a chain that runs backwards through the numbers is cut', () => {
  expect(
    groups([
      [10, 28, 20, 15],
      [28, 10, 15, 17],
      [20, 15, 10, 15],
      [15, 17, 15, 10],
    ]),
  ).toEqual([[0, 2, 3]]);
});
