import { describe, expect, test } from 'vitest';
import type { Files } from './machine.ts';
import { machine, map, NODE, nodeFiles, range, read, two, without } from './machine.ts';

describe('nodes', () => {
  test('numbers may leave gaps; distances close them up', () => {
    const topology = read(machine({ packages: 2, cores: 1, threads: 1, nodes: [3, 72] }));
    expect(topology.nodes.map(({ os, distances }) => [os, distances])).toEqual([
      [3, [10, 20]],
      [72, [20, 10]],
    ]);
    expect(topology.nodeOfCpu(1)).toBe(72);
  });

  test('of nodes that claim the same CPUs the first keeps them, and the others are noted', () => {
    const files = { ...two, [`${NODE}/node1/cpumap`]: map(range(0, 8)) };
    const topology = read({ ...files, [`${NODE}/node0/cpumap`]: map(range(0, 8)) });
    expect(topology.nodes).toMatchObject([{ os: 0, cpus: range(0, 8), distances: [10] }]);
    expect(topology.notes).toEqual(['node 1 ignored: its CPUs belong to an earlier node as well']);
  });

  test('a node that cannot be read is left out, its CPUs have none', () => {
    const topology = read({ ...two, [`${NODE}/node1/cpumap`]: 'zz\n' });
    expect(topology.counts.NUMANode).toBe(1);
    expect(topology.nodeOfCpu(4)).toBeNull();
    expect(topology.notes).toHaveLength(2);
  });

  test.each(['10', '10 20 30', '10 x', '10 -1'])(
    'distances %j for two nodes are not believed',
    (distance) => {
      const topology = read({ ...two, [`${NODE}/node1/distance`]: distance });
      expect(topology.nodes.map(({ distances }) => distances)).toEqual([[10, 20], null]);
    },
  );

  test('a list of nodes without their directories is ignored', () => {
    expect(read({ ...two, [`${NODE}/online`]: '0-5\n' }).counts.NUMANode).toBe(2);
    expect(read({ ...two, [`${NODE}/online`]: '5-0\n' }).counts.NUMANode).toBe(2);
  });

  test('a machine without nodes has one that holds everything and says that it was made up', () => {
    const topology = read(without(two, /\/node\//));
    expect(topology.nodes).toMatchObject([
      { os: 0, cpus: range(0, 8), synthetic: true, memoryBytes: 8 * 1024 ** 3 },
    ]);
    expect(topology.notes).toHaveLength(1);
  });

  test('memory without CPUs is near to whom the firmware says, else to the nearest by distance', () => {
    const far = {
      ...two,
      ...nodeFiles(0, range(0, 4), [10, 20, 30]),
      ...nodeFiles(1, range(4, 8), [20, 10, 15]),
    };
    const files = { ...far, ...nodeFiles(2, [], [30, 15, 10]), [`${NODE}/online`]: '0-2\n' };
    const byDistance = read(files).node(2);
    expect(byDistance).toMatchObject({
      memoryOnly: true,
      cpus: [],
      localCpus: [4, 5, 6, 7],
      package: 1,
      access: null,
    });
    const initiators = `${NODE}/node2/access1/initiators`;
    const told = {
      ...files,
      [`${initiators}/read_bandwidth`]: '1000\n',
      [`${initiators}/read_latency`]: '0\n',
    };
    const byFirmware = read(told, { [`${initiators}/node0`]: '../../../node0' }).node(2);
    expect(byFirmware).toMatchObject({
      localCpus: [0, 1, 2, 3],
      access: { readBandwidthMBps: 1000, writeBandwidthMBps: null, readLatencyNs: null },
    });
  });

  test('tiers and memory-side caches are reported', () => {
    const topology = read({
      ...two,
      '/sys/devices/virtual/memory_tiering/memory_tier4/nodelist': '0\n',
      '/sys/devices/virtual/memory_tiering/memory_tier961/nodelist': '1\n',
      [`${NODE}/node0/memory_side_cache/index1/size`]: '103079215104\n',
      [`${NODE}/node0/memory_side_cache/index1/line_size`]: '64\n',
      [`${NODE}/node0/memory_side_cache/index1/indexing`]: '0\n',
      [`${NODE}/node1/memory_side_cache/index1/size`]: '103079215104\n', // and nothing else: none
    });
    expect(topology.nodes.map(({ tier }) => tier)).toEqual([4, 961]);
    expect(topology.nodes[0]?.memorySideCaches).toEqual([
      { level: 1, sizeBytes: 103_079_215_104, lineBytes: 64, ways: 1 },
    ]);
    expect(topology.counts.MemCache).toBe(1);
  });

  test('the memory of a GPU is no place for the program on POWER; elsewhere it is near to the CPUs of the GPU', () => {
    const three = { ...two, ...nodeFiles(2, [], [40, 40, 10]), [`${NODE}/online`]: '0-2\n' };
    const gpu = {
      '/proc/driver/nvidia/gpus/0004:04:00.0/numa_status': 'Node: 2\nState: online\n',
      '/sys/bus/pci/devices/0004:04:00.0/local_cpus': map([4, 5, 6, 7]),
    };
    const power = {
      ...three,
      ...gpu,
      '/proc/cpuinfo': 'processor\t: 0\ncpu\t\t: POWER9, altivec supported\n',
    };
    expect(read(power).nodes.map(({ os }) => os)).toEqual([0, 1]);
    expect(read({ ...three, ...gpu }).node(2)).toMatchObject({ localCpus: [4, 5, 6, 7], memoryOnly: true });
    expect(read(three).node(2)?.localCpus).toEqual([]); // as far from all
  });

  test('what the firmware names is near to a node with CPUs as well, and what is found for one counts for the next', () => {
    const initiator = (node: number, of: number): Files => ({
      [`${NODE}/node${of}/access0/initiators/node${node}`]: '',
    });
    const three = { ...two, ...nodeFiles(2, [], [40, 40, 10]), [`${NODE}/online`]: '0-2\n' };
    const topology = read({ ...three, ...initiator(1, 0), ...initiator(0, 2) });
    expect(topology.nodes.map(({ cpus }) => cpus)).toEqual([range(0, 4), range(4, 8), []]);
    expect(topology.nodes.map(({ localCpus }) => localCpus)).toEqual([range(0, 8), range(4, 8), range(0, 8)]);
    expect(topology.nodeOfCpu(0)).toBe(0);
  });

  test('a node that cuts through a package is near to all that is around', () => {
    const files = { ...two, ...nodeFiles(0, range(0, 6), [10, 20]), ...nodeFiles(1, [6, 7], [20, 10]) };
    const topology = read(files);
    expect(topology.nodes.map(({ cpus }) => cpus)).toEqual([range(0, 6), [6, 7]]);
    expect(topology.nodes.map(({ localCpus }) => localCpus)).toEqual([range(0, 8), [6, 7]]);
    expect(topology.notes.join()).toContain('node 0: its 6 CPUs overlap with other groups');
  });

  test('nodes cut out of real ones for a test share their CPUs, and the firmware is not asked about them', () => {
    const cut = {
      ...two,
      [`${NODE}/node1/cpumap`]: map(range(0, 4)),
      '/proc/cmdline': 'quiet numa=fake=2U\n',
    };
    const topology = read({ ...cut, [`${NODE}/node1/access0/initiators/node0`]: '' });
    expect(topology.nodes.map(({ os, cpus }) => [os, cpus])).toEqual([
      [0, range(0, 4)],
      [1, range(0, 4)],
    ]);
    expect(topology.nodeOfCpu(0)).toBe(0);
    expect(topology.toText().match(/NUMANode/g)).toHaveLength(2);
  });

  test('nodes that are nearer to each other than to the rest are a group, and their CPUs are side by side', () => {
    const four = machine({ packages: 4, cores: 1, threads: 2, nodes: [0, 1, 2, 3] });
    const rows = [
      [10, 20, 12, 20],
      [20, 10, 20, 12],
      [12, 20, 10, 20],
      [20, 12, 20, 10],
    ];
    const distances = (matrix: number[][]): Files =>
      Object.fromEntries(matrix.map((row, node) => [`${NODE}/node${node}/distance`, `${row.join(' ')}\n`]));
    const topology = read({ ...four, ...distances(rows) });
    expect(topology.groups).toMatchObject([
      { kind: 'distance', cpus: [0, 1, 4, 5] },
      { kind: 'distance', cpus: [2, 3, 6, 7] },
    ]);
    expect(topology.pus.map(({ os }) => os)).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
    // One way only: the table cannot be right.
    rows[0] = [10, 20, 13, 20];
    expect(read({ ...four, ...distances(rows) }).groups).toEqual([]);
    // All alike: nothing to tell.
    expect(read(four).groups).toEqual([]);
  });
});
