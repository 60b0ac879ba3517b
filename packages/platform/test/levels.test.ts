import { describe, expect, test } from 'vitest';
import { memoryFileSystem, PlatformOptionError, Topology, TopologyUnavailableError } from '../src/index.ts';
import type { Files } from './machine.ts';
import { CPU, grouped, machine, map, per, range, read, two, without } from './machine.ts';

describe('CPUs', () => {
  test('offline ones are no PUs, and the sets of the others do without them', () => {
    const topology = read({ ...two, [`${CPU}/online`]: '0,2-7\n' });
    expect(topology.offlineCpus).toEqual([1]);
    expect(topology.counts).toMatchObject({ PU: 7, Core: 4 });
    expect(topology.cores[0]?.cpus).toEqual([0]);
    expect(topology.toText()).toContain('offline CPUs: 1');
  });

  test('without a list of online CPUs, the file of each decides; a missing or empty one means online', () => {
    const topology = read({
      ...without(two, /cpu\/online$/),
      [`${CPU}/cpu3/online`]: '0\n',
      [`${CPU}/cpu4/online`]: '1\n',
      [`${CPU}/cpu5/online`]: '',
    });
    expect(topology.offlineCpus).toEqual([3]);
    expect(topology.counts.PU).toBe(7);
  });

  test.each(['5-3', '0-', '99999999999', '0-99999', '\n', 'x'])(
    'a list of online CPUs that cannot be (%j) is ignored',
    (list) => {
      expect(read({ ...two, [`${CPU}/online`]: list }).counts.PU).toBe(8);
    },
  );

  test('directories that only look like CPUs are none', () => {
    const odd = { 'cpufreq/x': '', 'cpu08/x': '', 'cpu-1/x': '', 'cpu99999999/x': '', 'cpuidle/x': '' };
    const files = Object.fromEntries(Object.entries(odd).map(([name, text]) => [`${CPU}/${name}`, text]));
    expect(read({ ...without(two, /cpu\/online$/), ...files }).counts.PU).toBe(8);
  });

  test('without any topology directory the CPUs are there and the rest is unknown, not 0', () => {
    const topology = read(without(two, /\/topology\//, /\/cache\//));
    expect(topology.counts).toEqual({ Machine: 1, PU: 8, NUMANode: 2, MemCache: 0 });
    expect(topology.pu(0)).toMatchObject({ core: null, package: null, node: 0, caches: [] });
    expect(topology.notes.join()).toContain('no CPU has a topology directory');
  });

  test('no CPU at all is an error that names what was looked for', () => {
    expect(() => read({ '/proc/cpuinfo': '' })).toThrow(TopologyUnavailableError);
    expect(() => read({})).toThrow(
      expect.objectContaining({
        code: 'ERR_TOPOLOGY_UNAVAILABLE',
        lookedFor: [`${CPU}/online`, `${CPU}/cpu0`],
      }),
    );
  });

  test('fs and root together are an error, not one of them ignored', () => {
    expect(() => Topology.read({ fs: memoryFileSystem(two), root: '/' })).toThrow(PlatformOptionError);
  });
});

describe('cores, clusters, dies, packages', () => {
  test('files of old kernels, and lists where maps are missing, give the same', () => {
    const renamed = Object.fromEntries(
      Object.entries(two).map(([path, text]) => [
        path.replace('core_cpus', 'thread_siblings').replace('package_cpus', 'core_siblings'),
        text,
      ]),
    );
    expect(read(renamed).toText()).toBe(read(two).toText());
    const lists = Object.fromEntries(
      Object.entries(two).map(([path, text]) => {
        if (!/(core|package)_cpus$|shared_cpu_map$/.test(path)) return [path, text];
        const bits = Number.parseInt(text, 16);
        return [
          path.replace(/_map$/, '').concat('_list'),
          range(0, 8)
            .filter((bit) => (bits >> bit) & 1)
            .join(),
        ];
      }),
    );
    expect(read(lists).toText()).toBe(read(two).toText());
  });

  test('where no CPU has a set, equal numbers make a core and a package', () => {
    const topology = read(without(two, /core_cpus$/, /package_cpus$/, /\/cache\//));
    expect(topology.cores.map(({ cpus }) => cpus)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(topology.counts.Package).toBe(2);
  });

  test('a package number of -1 is no number, and still a package', () => {
    const files = Object.fromEntries(
      Object.entries(two).map(([path, text]) => [path, path.endsWith('physical_package_id') ? '-1\n' : text]),
    );
    expect(read(files).packages.map(({ os }) => os)).toEqual([null, null]);
  });

  test('of sets that contradict each other the first one wins, and only the lowest CPU speaks for a set', () => {
    const topology = read({
      ...two,
      [`${CPU}/cpu0/topology/core_cpus`]: map([0, 1, 2]),
      [`${CPU}/cpu2/topology/core_cpus`]: map([0, 2, 3]),
      [`${CPU}/cpu4/topology/core_cpus`]: map([6, 7]),
    });
    expect(topology.cores.map(({ cpus }) => cpus)).toEqual([
      [0, 1, 2],
      [6, 7],
    ]);
    expect(topology.pu(3)).toMatchObject({ core: null, package: 0 });
    // The L2 of 2 and 3 would cut through the core.
    expect(topology.notes).toContain('L2 of 2 CPUs from 2 ignored: overlaps with what was found earlier');
    expect(topology.toText().match(/PU L#/g)).toHaveLength(8);
  });

  test('a package that holds another one is possible; its CPUs name the inner one', () => {
    const inner = Object.fromEntries(
      [2, 3].map((cpu) => [`${CPU}/cpu${cpu}/topology/package_cpus`, map([2, 3])]),
    );
    const topology = read({ ...two, ...inner });
    expect(topology.packages.map(({ cpus }) => cpus)).toEqual([
      [0, 1, 2, 3],
      [2, 3],
      [4, 5, 6, 7],
    ]);
    expect(topology.pus.map((pu) => pu.package)).toEqual([0, 0, 1, 1, 2, 2, 2, 2]);
  });

  test('dies and clusters appear only where they differ from the levels beside them', () => {
    const one = machine({ packages: 1, cores: 4, threads: 2 });
    const found = (...levels: Files[]): unknown => {
      const { counts } = read(Object.assign({}, one, ...levels));
      return [counts.Die, counts.Cluster];
    };
    expect(found(grouped('die_cpus', 8), grouped('cluster_cpus', 2))).toEqual([0, 0]);
    expect(found(grouped('die_cpus', 1), grouped('cluster_cpus', 8))).toEqual([0, 0]);
    expect(found(grouped('die_cpus', 4), grouped('cluster_cpus', 4))).toEqual([2, 0]);
    expect(found(grouped('die_cpus', 8), grouped('cluster_cpus', 4))).toEqual([0, 2]);
  });

  test("siblings of AMD's modules are cores of their own; those of other processors are threads", () => {
    const ids = Object.fromEntries(
      range(0, 8).map((cpu) => [`${CPU}/cpu${cpu}/topology/core_id`, `${cpu}\n`]),
    );
    const amd = (family: number): Files => ({
      ...two,
      ...ids,
      '/proc/cpuinfo': `processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: ${family}\n`,
    });
    expect(read(amd(21)).counts).toMatchObject({ Core: 8, L2Cache: 4 });
    expect(read(amd(23)).counts.Core).toBe(4);
    expect(read({ ...two, ...ids }).counts.Core).toBe(4);
  });

  test("siblings of AMD's modules that share a cluster are still in that cluster", () => {
    const ids = per('topology/core_id', range(0, 8));
    const amd = { '/proc/cpuinfo': 'processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 21\n' };
    const topology = read({ ...without(two, /\/cache\//), ...ids, ...amd, ...grouped('cluster_cpus', 2) });
    expect(topology.counts).toMatchObject({ Core: 8, Cluster: 4, Package: 2 });
  });

  test('books and drawers of s390 are groups above the packages; elsewhere the same files mean nothing', () => {
    const one = machine({ packages: 4, cores: 2, threads: 1 });
    const files: Files = {
      ...one,
      ...grouped('book_siblings', 4),
      ...grouped('drawer_siblings', 8),
      ...per('topology/book_id', [0, 0, 0, 0, 1, 1, 1, 1]),
      ...per('topology/drawer_id', [7, 7, 7, 7, 7, 7, 7, 7]),
      '/proc/cpuinfo': 'vendor_id       : IBM/S390\nprocessor 0: version = FF,  identification = 012345\n',
    };
    expect(read(files).groups).toMatchObject([
      { kind: 'drawer', os: 7, cpus: range(0, 8) },
      { kind: 'book', os: 0, cpus: range(0, 4) },
      { kind: 'book', os: 1, cpus: range(4, 8) },
    ]);
    // As the machine has the CPUs of the drawer, the drawer is not drawn.
    expect(read(files).toText()).toMatch(/^ {2}Group\(Book\) L#1 \(P#1\)\n {4}Package L#2 /m);
    expect(read({ ...files, '/proc/cpuinfo': one['/proc/cpuinfo'] ?? '' }).groups).toEqual([]);
  });
});

describe('kernels without a topology in /sys', () => {
  const cpuinfo = range(0, 8)
    .map((cpu) => `processor\t: ${cpu}\nphysical id\t: ${cpu >> 2}\ncore id\t\t: ${(cpu >> 1) & 1}\n`)
    .join('\n');

  test('cores and packages are those of /proc/cpuinfo', () => {
    const old = without(two, /\/topology\//, /\/cache\//);
    const topology = read({ ...old, '/proc/cpuinfo': cpuinfo });
    expect(topology.counts).toMatchObject({ PU: 8, Core: 4, Package: 2, NUMANode: 2 });
    expect(topology.packages.map(({ os, cpus }) => [os, cpus])).toEqual([
      [0, [0, 1, 2, 3]],
      [1, [4, 5, 6, 7]],
    ]);
    expect(topology.notes.join()).toContain('cores and packages by /proc/cpuinfo');
  });

  test('even the CPUs are, where /sys has none', () => {
    const topology = read({ '/proc/cpuinfo': cpuinfo });
    expect(topology.counts).toMatchObject({ PU: 8, Core: 4, Package: 2, NUMANode: 1 });
    const s390 = read({
      '/proc/cpuinfo': 'vendor_id : IBM/S390\nprocessor 0: version = FF\nprocessor 1: version = FF\n',
    });
    expect(s390.counts).toEqual({ Machine: 1, PU: 2, NUMANode: 1, MemCache: 0 });
  });
});
