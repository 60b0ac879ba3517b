import { describe, expect, test } from 'vitest';
import { CPU, map, range, read, two, without } from './machine.ts';

describe('caches', () => {
  test('an empty set means the core (Itanium); a missing one means no cache', () => {
    const empty = Object.fromEntries(
      Object.entries(two).map(([path, text]) => [
        path,
        path.endsWith('index2/shared_cpu_map') ? '0\n' : text,
      ]),
    );
    expect(read(empty).toText()).toBe(read(two).toText());
    expect(read(without(two, /index2\/shared_cpu_map$/)).counts.L2Cache).toBeUndefined();
  });

  test.each([
    ['0K', null],
    ['', null],
    ['nonsense', null],
    ['99999999999999K', null],
    ['3M', 3 * 1024 * 1024],
    ['512', 512],
  ])('a size of %j is %j bytes', (size, expected) => {
    const topology = read({ ...two, [`${CPU}/cpu0/cache/index2/size`]: size });
    expect(topology.caches.find(({ level }) => level === 2)?.sizeBytes).toBe(expected);
  });

  test.each(['0', '10', '-1', 'x', ''])('level %j is no level', (level) => {
    const files = Object.fromEntries(
      Object.entries(two).map(([path, text]) => [path, path.endsWith('index3/level') ? level : text]),
    );
    expect(read(files).counts.L3Cache).toBeUndefined();
  });

  test('levels that hwloc has no name for are left out: data above 5, instructions above 3', () => {
    const counted = (level: string): unknown => {
      const files = Object.fromEntries(
        Object.entries(two).map(([path, text]) => [path, /index[13]\/level$/.test(path) ? level : text]),
      );
      const { L5Cache, L4iCache, L3iCache, L1iCache } = read(files).counts;
      return [L5Cache, L4iCache, L3iCache, L1iCache];
    };
    expect(counted('3')).toEqual([undefined, undefined, 4, undefined]);
    expect(counted('5')).toEqual([2, undefined, undefined, undefined]);
    expect(counted('6')).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('one that overlaps with a package is left out and noted', () => {
    const across = map(range(2, 6));
    const files = Object.fromEntries(
      [2, 3, 4, 5].map((cpu) => [`${CPU}/cpu${cpu}/cache/index3/shared_cpu_map`, across]),
    );
    const topology = read({ ...two, ...files });
    expect(topology.caches.filter(({ level }) => level === 3).map(({ cpus }) => cpus)).toEqual([
      [0, 1, 2, 3],
    ]);
    expect(topology.notes).toContain('L3 of 4 CPUs from 2 ignored: overlaps with what was found earlier');
  });

  test('of two with one level and one set, which is one cache told twice, the first is kept', () => {
    const twice = Object.fromEntries(
      Object.entries(two).flatMap(([path, text]) => [
        [path, text],
        ...(path.includes('/index3/') ? [[path.replace('/index3/', '/index4/'), text]] : []),
      ]),
    );
    expect(read(twice).counts.L3Cache).toBe(2);
  });

  test('files of CPUs that are offline are not read', () => {
    const topology = read({ ...two, [`${CPU}/online`]: '0-3\n' });
    expect(topology.counts).toMatchObject({ L3Cache: 1, L2Cache: 2 });
  });
});
