import { describe, expect, test } from 'vitest';
import { memoryFileSystem, PlatformOptionError, Topology, TopologyUnavailableError } from '../src/index.ts';
import type { Files } from './machine.ts';
import { machine, map, nodeFiles, range } from './machine.ts';

const CPU = '/sys/devices/system/cpu';
const NODE = '/sys/devices/system/node';

function read(files: Files, links: Files = {}, options: { disallowed?: boolean } = {}): Topology {
  return Topology.read({ fs: memoryFileSystem(files, links), ...options });
}

function without(files: Files, ...patterns: RegExp[]): Files {
  return Object.fromEntries(
    Object.entries(files).filter(([path]) => !patterns.some((pattern) => pattern.test(path))),
  );
}

const two = machine({ packages: 2, cores: 2, threads: 2, nodes: [0, 1] });

const grouped = (name: string, size: number): Files =>
  Object.fromEntries(
    range(0, 8).map((cpu) => {
      const first = cpu - (cpu % size);
      return [`${CPU}/cpu${cpu}/topology/${name}`, map(range(first, first + size))];
    }),
  );

const per = (name: string, values: readonly number[]): Files =>
  Object.fromEntries(values.map((value, cpu) => [`${CPU}/cpu${cpu}/${name}`, `${value}\n`]));

describe('a machine whose files agree', () => {
  const topology = read(two);

  test('has every object once, counted by the names of hwloc', () => {
    expect(topology.counts).toEqual({
      Machine: 1,
      Package: 2,
      Die: 0,
      Cluster: 0,
      Core: 4,
      PU: 8,
      NUMANode: 2,
      MemCache: 0,
      L1dCache: 4,
      L1iCache: 4,
      L2Cache: 4,
      L3Cache: 2,
    });
    expect(topology.notes).toEqual([]);
    expect(topology.source).toBe('sysfs');
  });

  test('each PU knows its core, package, node and caches, the nearest first', () => {
    const pu = topology.pu(5);
    expect(pu).toMatchObject({ os: 5, core: 2, package: 1, node: 1, die: null, cluster: null, kind: 0 });
    const caches = pu?.caches.map((index) => topology.caches[index]);
    expect(caches?.map((cache) => `${cache?.level}${cache?.type}:${cache?.cpus.join('-')}`)).toEqual([
      '1data:4-5',
      '1instruction:4-5',
      '2unified:4-5',
      '3unified:4-5-6-7',
    ]);
    expect(caches?.at(-1)).toMatchObject({
      sizeBytes: 16 * 1024 * 1024,
      lineBytes: 64,
      ways: 4096,
      package: 1,
    });
    expect(topology.nodeOfCpu(5)).toBe(1);
    expect(topology.nodeOfCpu(8)).toBeNull();
  });

  test('indices lead back: what holds a CPU is what the CPU names', () => {
    for (const pu of topology.pus) {
      expect(topology.cores[pu.core ?? -1]?.cpus).toContain(pu.os);
      expect(topology.packages[pu.package ?? -1]?.cpus).toContain(pu.os);
      expect(topology.node(pu.node ?? -1)?.cpus).toContain(pu.os);
    }
    for (const list of [topology.cores, topology.packages, topology.caches, topology.kinds])
      expect(list.map(({ index }) => index)).toEqual(range(0, list.length));
  });

  test('nodes have memory, CPUs and distances to each other', () => {
    expect(topology.nodes).toMatchObject([
      {
        os: 0,
        cpus: [0, 1, 2, 3],
        distances: [10, 20],
        memoryBytes: 4 * 1024 ** 3,
        memoryOnly: false,
        package: 0,
      },
      { os: 1, cpus: [4, 5, 6, 7], distances: [20, 10], package: 1, synthetic: false },
    ]);
    expect(topology.packages.map(({ nodes }) => nodes)).toEqual([[0], [1]]);
  });

  test('is frozen to the bottom', () => {
    expect(Object.isFrozen(topology)).toBe(true);
    expect(() => (topology.pus as unknown[]).push(1)).toThrow(TypeError);
    expect(() => (topology.caches.at(-1)?.cpus as unknown[] | undefined)?.push(9)).toThrow(TypeError);
  });

  test('survives JSON and threads, drawing included', () => {
    const text = topology.toText();
    const again = Topology.from(JSON.parse(JSON.stringify(topology)));
    expect(again.toJSON()).toEqual(topology.toJSON());
    expect(again.toText()).toBe(text);
    expect(again.nodeOfCpu(7)).toBe(1);
    expect(Topology.from(structuredClone(topology.toJSON())).toText()).toBe(text);
  });

  test('is drawn as lstopo draws it', () => {
    const small = read(machine({ packages: 1, cores: 1, threads: 2 }));
    expect(small.toText().split('\n')).toEqual([
      'Machine (total=8192MiB)',
      '  Package L#0 (P#0 "Synthetic")',
      '    NUMANode L#0 (P#0 local=4096MiB)',
      '    L3Cache L#0 (size=16MiB linesize=64 ways=4096)',
      '      L2Cache L#0 (size=512KiB linesize=64 ways=128)',
      '        L1dCache L#0 (size=32KiB linesize=64 ways=8)',
      '          L1iCache L#0 (size=32KiB linesize=64 ways=8)',
      '            Core L#0 (P#0)',
      '              PU L#0 (P#0)',
      '              PU L#1 (P#1)',
    ]);
  });
});

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

  test('where the sets are missing, equal numbers make a core and a package', () => {
    const topology = read(without(two, /core_cpus$/, /package_cpus$/));
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

  test('sets that contradict each other still put every CPU in one core', () => {
    const topology = read({
      ...two,
      [`${CPU}/cpu0/topology/core_cpus`]: map([0, 1, 2]),
      [`${CPU}/cpu2/topology/core_cpus`]: map([0, 2, 3]),
      [`${CPU}/cpu4/topology/core_cpus`]: map([6, 7]),
    });
    expect(topology.cores.map(({ cpus }) => cpus)).toEqual([[0, 1, 2], [3], [4, 6, 7], [5]]);
    expect(topology.toText().match(/PU L#/g)).toHaveLength(8);
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
});

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
});

describe('core kinds', () => {
  const four = machine({ packages: 1, cores: 4, threads: 1 });
  const kinds = (...extra: Files[]): unknown =>
    read(Object.assign({}, four, ...extra)).kinds.map(({ cpus, by, name, value }) => [
      cpus.join(),
      by,
      name,
      value,
    ]);

  test('equal cores are one kind', () => {
    expect(kinds()).toEqual([['0,1,2,3', 'none', null, null]]);
    expect(kinds(per('cpu_capacity', [1024, 1024, 1024, 1024]))).toEqual([['0,1,2,3', 'none', null, null]]);
  });

  test('monitoring units tell first, the slowest is index 0', () => {
    const units = { '/sys/devices/cpu_core/cpus': '0-1\n', '/sys/devices/cpu_atom/cpus': '2-3\n' };
    expect(kinds(units, per('cpu_capacity', [1, 2, 3, 4]))).toEqual([
      ['2,3', 'pmu', 'efficiency', null],
      ['0,1', 'pmu', 'performance', null],
    ]);
  });

  test('units that leave CPUs out are not believed', () => {
    expect(kinds({ '/sys/devices/cpu_core/cpus': '0-1\n' })).toEqual([['0,1,2,3', 'none', null, null]]);
  });

  test('capacity and base frequency tell kinds apart; a few percent of turbo do not', () => {
    expect(kinds(per('cpu_capacity', [1024, 512, 512, 1000]))).toEqual([
      ['1,2', 'cpu_capacity', null, 512],
      ['0,3', 'cpu_capacity', null, 1000],
    ]);
    const base = per('cpufreq/base_frequency', [1_900_000, 1_900_000, 1_400_000, 1_400_000]);
    expect(kinds(base)).toEqual([
      ['2,3', 'base_frequency', null, 1_400_000],
      ['0,1', 'base_frequency', null, 1_900_000],
    ]);
    expect(kinds(per('cpufreq/cpuinfo_max_freq', [5_000_000, 5_200_000, 5_000_000, 5_100_000]))).toHaveLength(
      1,
    );
    expect(kinds(per('cpufreq/cpuinfo_max_freq', [5_000_000, 5_200_000, 3_900_000, 3_900_000]))).toHaveLength(
      2,
    );
  });

  test('frequencies are found behind links', () => {
    const files = { ...four, '/sys/devices/system/cpu/cpufreq/policy0/base_frequency': '2000000\n' };
    for (const cpu of [1, 2, 3])
      Object.assign(files, { [`${CPU}/cpu${cpu}/cpufreq/base_frequency`]: '1000000\n' });
    expect(read(files, { [`${CPU}/cpu0/cpufreq`]: '../cpufreq/policy0' }).kinds).toHaveLength(2);
  });
});

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
    });
    expect(topology.nodes.map(({ tier }) => tier)).toEqual([4, 961]);
    expect(topology.nodes[0]?.memorySideCaches).toEqual([
      { level: 1, sizeBytes: 103_079_215_104, lineBytes: 64 },
    ]);
    expect(topology.counts.MemCache).toBe(1);
  });

  test('on POWER the memory of a GPU is no place for the program', () => {
    const gpu = { '/proc/driver/nvidia/gpus/0004:04:00.0/numa_status': 'Node: 1\nState: online\n' };
    const power = { ...two, ...gpu, '/proc/cpuinfo': 'processor\t: 0\ncpu\t\t: POWER9, altivec supported\n' };
    expect(read(power).nodes.map(({ os }) => os)).toEqual([0]);
    expect(read({ ...two, ...gpu }).counts.NUMANode).toBe(2);
  });
});

describe('cpusets', () => {
  const v2: Files = {
    '/proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n',
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/cpuset.cpus.effective': '0-2\n',
    '/sys/fs/cgroup/a/cpuset.mems.effective': '0\n',
    '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
  };

  test('what is outside is left out and listed; a package with nothing inside goes', () => {
    const topology = read({ ...two, ...v2 });
    expect(topology.counts).toMatchObject({ PU: 3, Core: 2, Package: 1, NUMANode: 1, L2Cache: 2 });
    expect(topology.disallowedCpus).toEqual([3, 4, 5, 6, 7]);
    expect(topology.disallowedNodes).toEqual([1]);
    expect(topology.cores[1]?.cpus).toEqual([2]);
    expect(topology.toText()).toContain('CPUs outside the cpuset: 3-7\nnodes outside the cpuset: 1');
  });

  test('a package of which only the memory is allowed stays', () => {
    const topology = read({ ...two, ...v2, '/sys/fs/cgroup/a/cpuset.mems.effective': '0-1\n' });
    expect(topology.counts).toMatchObject({ PU: 3, Package: 2, NUMANode: 2, L3Cache: 2, L2Cache: 2 });
    expect(topology.packages[1]).toMatchObject({ cpus: [], nodes: [1] });
    expect(topology.nodes[1]).toMatchObject({ cpus: [], memoryOnly: false });
    expect(topology.toText().match(/Package|NUMANode|L3Cache/g)).toHaveLength(6);
  });

  test('everything is there when asked for', () => {
    const topology = read({ ...two, ...v2 }, {}, { disallowed: true });
    expect(topology.counts.PU).toBe(8);
    expect(topology.disallowedCpus).toEqual([]);
  });

  test('a node without memory, which no cpuset can name, is allowed as far as its CPUs are', () => {
    const files = { ...two, ...v2, '/sys/devices/system/node/node1/meminfo': 'Node 1 MemTotal: 0 kB\n' };
    const cpus = '/sys/fs/cgroup/a/cpuset.cpus.effective';
    const whole = read({ ...files, [cpus]: '0-7\n' });
    expect(whole.nodes.map((node) => node.os)).toEqual([0, 1]);
    expect(whole.disallowedNodes).toEqual([]);
    expect(whole.nodeOfCpu(4)).toBe(1);
    expect(read({ ...files, [cpus]: '0-3\n' }).disallowedNodes).toEqual([1]);
  });

  test('a cpuset that leaves nothing is not believed', () => {
    const topology = read({ ...two, ...v2, '/sys/fs/cgroup/a/cpuset.cpus.effective': '100\n' });
    expect(topology.counts.PU).toBe(8);
    expect(topology.notes).toEqual([
      '/sys/fs/cgroup/a/cpuset.cpus.effective ignored: it allows nothing that is here',
    ]);
  });
});
