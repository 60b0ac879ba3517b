import { describe, expect, test } from 'vitest';
import type { Cache, PlacementOptions, Pu, TopologyData } from '../src/index.ts';
import {
  MAX_CPUS,
  memoryFileSystem,
  place,
  PlacementError,
  PlatformOptionError,
  Topology,
} from '../src/index.ts';
import { machine, nodeFiles, range } from './machine.ts';

function read(files: Record<string, string>): Topology {
  return Topology.read({ fs: memoryFileSystem(files) });
}

/** CPUs 0-3 on package and node 0, 4-7 on 1; cores 0-1, 2-3, 4-5, 6-7. */
const two = read(machine({ packages: 2, cores: 2, threads: 2, nodes: [0, 1] }));

/** CPUs 0-3: two fast cores of two hardware threads; 4-7: four slow ones of one. */
const hybridFiles = {
  ...machine({ packages: 1, cores: 8, threads: 1 }),
  '/sys/devices/cpu_core/cpus': '0-3\n',
  '/sys/devices/cpu_atom/cpus': '4-7\n',
};
for (const cpu of range(0, 4))
  hybridFiles[`/sys/devices/system/cpu/cpu${cpu}/topology/core_cpus` as keyof typeof hybridFiles] =
    cpu < 2 ? '03\n' : '0c\n';
const hybrid = read(hybridFiles);

function cpus(topology: TopologyData, options: PlacementOptions): (number | readonly number[])[] {
  return place(topology, options).slots.map((slot) => (slot.cpus.length === 1 ? slot.cpus[0]! : slot.cpus));
}

describe('compact', () => {
  test('fills a node before the next, a core at a time where all of a core may be packed', () => {
    expect(cpus(two, { policy: 'compact', threads: 5, smt: 'pack' })).toEqual([0, 1, 2, 3, 4]);
  });

  test('gives each core one thread before any a second, unless told otherwise', () => {
    expect(cpus(two, { policy: 'compact', threads: 8 })).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
    expect(cpus(two, { policy: 'compact', threads: 4, smt: 'never' })).toEqual([0, 2, 4, 6]);
  });

  test('starts on the node with the most room', () => {
    expect(cpus(two, { policy: 'compact', threads: 3, smt: 'pack', cpus: [0, 4, 5, 6] })).toEqual([4, 5, 6]);
  });
});

/** Four nodes of one CPU; those of a pair are near to each other. */
function paired(...pairs: readonly [number, number][]): Topology {
  const files = machine({ packages: 4, cores: 1, threads: 1, nodes: [0, 1, 2, 3] });
  const near = (a: number, b: number): boolean => pairs.some((pair) => pair.includes(a) && pair.includes(b));
  for (const node of range(0, 4)) {
    const distances = range(0, 4).map((other) => (other === node ? 10 : near(node, other) ? 12 : 20));
    Object.assign(files, nodeFiles(node, [node], distances));
  }
  return read(files);
}

describe('distances between nodes, as the firmware has them', () => {
  test('compact goes on with the nearest', () => {
    expect(cpus(paired([0, 2], [1, 3]), { policy: 'compact', threads: 4 })).toEqual([0, 2, 1, 3]);
  });

  test('spread goes on with the farthest', () => {
    expect(cpus(paired([0, 1], [2, 3]), { policy: 'spread', threads: 4 })).toEqual([0, 2, 1, 3]);
  });
});

describe('spread', () => {
  test('takes nodes in turn, then cores in turn, and siblings last', () => {
    expect(cpus(two, { policy: 'spread', threads: 8 })).toEqual([0, 4, 2, 6, 1, 5, 3, 7]);
  });

  test('keeps the hardware threads of a core together when packed', () => {
    expect(cpus(two, { policy: 'spread', threads: 4, smt: 'pack' })).toEqual([0, 1, 4, 5]);
  });
});

describe('perNode', () => {
  test('binds to the whole node, and keeps nodes as full as each other', () => {
    const { slots } = place(two, { policy: 'perNode', threads: 3 });
    expect(slots).toEqual([
      { index: 0, cpus: [0, 1, 2, 3], node: 0 },
      { index: 1, cpus: [4, 5, 6, 7], node: 1 },
      { index: 2, cpus: [0, 1, 2, 3], node: 0 },
    ]);
  });

  test('gives a node threads by its size', () => {
    const options = { policy: 'perNode', threads: 5, cpus: [0, 4, 5, 6, 7], bind: 'cpu' } as const;
    expect(cpus(two, options).filter((cpu) => cpu === 0)).toHaveLength(1);
    expect(new Set(cpus(two, options)).size).toBe(5);
  });
});

describe('explicit', () => {
  test('keeps the order, takes sets, and starts over', () => {
    const { slots, oversubscribed, places } = place(two, {
      policy: 'explicit',
      cpus: [6, [1, 0], [3, 4]],
      threads: 4,
    });
    expect(slots).toEqual([
      { index: 0, cpus: [6], node: 1 },
      { index: 1, cpus: [0, 1], node: 0 },
      { index: 2, cpus: [3, 4], node: null },
      { index: 3, cpus: [6], node: 1 },
    ]);
    expect({ oversubscribed, places }).toEqual({ oversubscribed: true, places: 3 });
    expect(place(two, { policy: 'explicit', cpus: [1, 2] }).slots).toHaveLength(2);
  });
});

describe('cores of different speed', () => {
  test('the fast ones come first, and their siblings after the slow ones', () => {
    expect(cpus(hybrid, { policy: 'compact', threads: 8 })).toEqual([0, 2, 4, 5, 6, 7, 1, 3]);
    expect(cpus(hybrid, { policy: 'spread', threads: 4, smt: 'pack' })).toEqual([0, 1, 2, 3]);
  });

  test('the slow ones come first where asked, and neither where it does not matter', () => {
    expect(cpus(hybrid, { policy: 'compact', threads: 5, prefer: 'efficiency' })).toEqual([4, 5, 6, 7, 0]);
    expect(cpus(hybrid, { policy: 'compact', threads: 3, prefer: 'any', smt: 'never' })).toEqual([0, 2, 4]);
  });
});

describe('what a slot is bound to', () => {
  test('the core, the outermost cache or the node of its CPU, as far as usable', () => {
    const options = { policy: 'spread', threads: 2 } as const;
    expect(cpus(two, { ...options, bind: 'core' })).toEqual([
      [0, 1],
      [4, 5],
    ]);
    expect(cpus(two, { ...options, bind: 'cache', cpus: [0, 1, 2, 5] })).toEqual([[0, 1, 2], 5]);
    expect(cpus(two, { ...options, bind: 'node', smt: 'never' })).toEqual([
      [0, 2],
      [4, 6],
    ]);
  });
});

describe('what is not allowed', () => {
  const files = {
    ...machine({ packages: 2, cores: 2, threads: 2, nodes: [0, 1] }),
    '/proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    '/proc/self/cgroup': '0::/a\n',
    '/sys/fs/cgroup/a/cpuset.cpus.effective': '2-5\n',
  };

  test('is not used', () => {
    const topology = read(files);
    expect(cpus(topology, { policy: 'compact', threads: 4, smt: 'pack' })).toEqual([2, 3, 4, 5]);
    expect(() => place(topology, { policy: 'explicit', cpus: [2, 6] })).toThrow(
      'CPUs 6 are not there, or not allowed; there are 2-5',
    );
  });
});

describe('a request that cannot be', () => {
  const compact = { policy: 'compact', threads: 1 } as const;

  test('is a PlacementError with the numbers', () => {
    const impossible: [PlacementOptions, string][] = [
      [{ ...compact, cpus: [1, 9] }, 'CPUs 9 are not there, or not allowed; there are 0-7'],
      [{ ...compact, nodes: [7] }, 'node 7 is not there; there are 0-1'],
      [{ ...compact, nodes: [1], cpus: [0] }, 'no CPU of those asked for is on nodes 1'],
      [
        { ...compact, threads: 9, oversubscribe: false },
        '9 threads for 8 places, and oversubscribe is false',
      ],
      [{ ...compact, threads: 5, smt: 'never', oversubscribe: false }, '5 threads for 4 places'],
      [{ policy: 'explicit', cpus: [1], threads: 2, oversubscribe: false }, '2 threads for 1 places'],
    ];
    for (const [options, message] of impossible) {
      expect(() => place(two, options)).toThrow(PlacementError);
      expect(() => place(two, options)).toThrow(message);
    }
  });

  test('is a PlatformOptionError where it makes no sense anywhere', () => {
    const senseless: [unknown, string][] = [
      [{ ...compact, threads: 0 }, 'threads'],
      [{ ...compact, threads: Number.NaN }, 'threads'],
      [{ ...compact, threads: 1.5 }, 'threads'],
      [{ ...compact, threads: 65_537 }, '65537 is no whole number from 1 to 65536'],
      [{ policy: 'compact' }, 'threads'],
      [undefined, 'expected { policy'],
      [{ ...compact, policy: 'dense' }, '"dense" is none of compact, spread, perNode, explicit'],
      [{ ...compact, smt: 'first' }, '"first" is none of last, pack, never'],
      [{ ...compact, prefer: 'fast' }, 'prefer'],
      [{ ...compact, bind: 'package' }, 'bind'],
      [{ ...compact, oversubscribe: 1 }, 'oversubscribe'],
      [{ ...compact, cpus: [] }, 'an empty set'],
      [{ ...compact, cpus: [-1] }, 'cpus'],
      [{ ...compact, cpus: '0-3' }, 'cpus'],
      [{ ...compact, nodes: [0.5] }, '0.5'],
      [{ ...compact, numa: 0 }, 'option numa: not with policy compact'],
      [{ policy: 'explicit', cpus: [0], smt: 'last' }, 'option smt: not with policy explicit'],
      [{ policy: 'explicit' }, 'cpus'],
      [{ policy: 'explicit', cpus: [] }, 'cpus'],
      [{ policy: 'explicit', cpus: [[]] }, 'an empty set'],
      [{ policy: 'explicit', cpus: [Number.NaN] }, 'NaN'],
    ];
    for (const [options, message] of senseless) {
      expect(() => place(two, options as PlacementOptions)).toThrow(PlatformOptionError);
      expect(() => place(two, options as PlacementOptions)).toThrow(message);
    }
  });
});

test('a machine of which only the number of CPUs is known is one group', () => {
  const pus = range(0, 4).map((os) => ({
    os,
    core: null,
    cluster: null,
    die: null,
    package: null,
    node: null,
    caches: [],
    kind: null,
  }));
  const flat = Topology.from({ ...two.toJSON(), source: 'os', pus, nodes: [], cores: [], caches: [] });
  for (const policy of ['compact', 'spread'] as const)
    expect(cpus(flat, { policy, threads: 5 })).toEqual([0, 1, 2, 3, 0]);
  expect(place(flat, { policy: 'perNode', threads: 1 }).slots).toEqual([
    { index: 0, cpus: [0, 1, 2, 3], node: null },
  ]);
});

test('the largest machine there can be is placed at once', () => {
  const [pu] = two.pus;
  const pus = range(0, MAX_CPUS).map((os) => ({
    ...(pu as Pu),
    os,
    core: os >> 1,
    caches: [os >> 1],
    node: 0,
  }));
  const [cache] = two.caches;
  const caches = range(0, MAX_CPUS / 2).map((index) => ({ ...(cache as Cache), index }));
  const large: TopologyData = { ...two.toJSON(), pus, caches };
  const started = performance.now();
  for (const policy of ['compact', 'spread', 'perNode'] as const) {
    const { slots, places } = place(large, { policy, threads: 65_536, bind: 'node' });
    expect([slots.length, places]).toEqual([65_536, MAX_CPUS]);
  }
  // A tenth of a second each on an idle machine; minutes, were it quadratic.
  expect(performance.now() - started).toBeLessThan(20_000);
}, 60_000);

test('is plain, frozen data that survives a message', () => {
  const placement = place(two, { policy: 'spread', threads: 3, bind: 'core' });
  expect(structuredClone(placement)).toEqual(placement);
  expect(Object.isFrozen(placement.slots[0]?.cpus)).toBe(true);
  expect(Object.isFrozen(placement.slots)).toBe(true);
});
