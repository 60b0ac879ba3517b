import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FileSystem } from '../src/index.ts';
import { capabilities, limits, memoryFileSystem, Topology, TopologyUnavailableError } from '../src/index.ts';
import type { Files } from './machine.ts';
import { machine } from './machine.ts';

const whole: Files = {
  ...machine({ packages: 2, cores: 2, threads: 2, nodes: [0, 1] }),
  '/proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
  '/proc/self/cgroup': '0::/a\n',
  '/sys/fs/cgroup/a/cpuset.cpus.effective': '0-7\n',
  '/sys/fs/cgroup/a/cpuset.mems.effective': '0-1\n',
  '/sys/fs/cgroup/a/cpu.max': '100000 100000\n',
  '/sys/fs/cgroup/a/memory.max': '1000000\n',
  '/proc/self/status': 'Cpus_allowed_list:\t0-7\nCapEff:\t0\n',
  '/proc/self/limits': 'Max open files            1024                 524288               files     \n',
  '/sys/devices/cpu_core/cpus': '0-3\n',
  '/sys/devices/cpu_atom/cpus': '4-7\n',
};

/** Mostly what a kernel would write, in the wrong place; some of it what none would. */
const contents = fc.oneof(
  fc.constantFrom(...Object.values(whole)),
  fc.constantFrom(
    '',
    '\n',
    '\0',
    '-1',
    '0',
    '5-3',
    '0-',
    '999999999999',
    '0-16383',
    'ffffffff,ffffffff',
    '1e9',
    'NaN',
    '[x]',
  ),
  fc.string({ maxLength: 30 }),
  fc.nat().map(String),
);

const damaged = fc
  .record({
    changed: fc.dictionary(fc.constantFrom(...Object.keys(whole)), contents, { maxKeys: 40 }),
    removed: fc.subarray(Object.keys(whole), { maxLength: 40 }),
    links: fc.dictionary(
      fc.constantFrom(...Object.keys(whole)),
      fc.constantFrom('.', '..', '/', 'x', '../cpu0', '/sys'),
      { maxKeys: 5 },
    ),
  })
  .map(({ changed, removed, links }) => {
    const files = { ...whole, ...changed };
    return memoryFileSystem(
      Object.fromEntries(Object.entries(files).filter(([path]) => !removed.includes(path))),
      links,
    );
  });

function readOrUndefined(fs: FileSystem): Topology | undefined {
  try {
    return Topology.read({ fs });
  } catch (error) {
    expect(error).toBeInstanceOf(TopologyUnavailableError);
    return undefined;
  }
}

test('whatever the files say, a topology is consistent or refused', () => {
  fc.assert(
    fc.property(damaged, (fs) => {
      const topology = readOrUndefined(fs);
      if (topology === undefined) return;
      const cpus = topology.pus.map(({ os }) => os);
      expect(new Set(cpus).size).toBe(cpus.length);
      expect(topology.counts.PU).toBe(cpus.length);
      const known = new Set(cpus);
      for (const groups of [topology.cores, topology.packages, topology.dies, topology.clusters]) {
        const crossing = groups.filter((group) =>
          groups.some((other) => {
            const common = group.cpus.filter((cpu) => other.cpus.includes(cpu)).length;
            return common !== 0 && common !== group.cpus.length && common !== other.cpus.length;
          }),
        );
        expect(crossing).toEqual([]);
        expect(groups.every((group) => group.cpus.every((cpu) => known.has(cpu)))).toBe(true);
      }
      for (const groups of [topology.nodes, topology.kinds]) {
        const members = groups.flatMap((group) => [...group.cpus]);
        expect(new Set(members).size).toBe(members.length);
        expect(members.every((cpu) => cpus.includes(cpu))).toBe(true);
      }
      for (const pu of topology.pus) {
        if (pu.core !== null) expect(topology.cores[pu.core]?.cpus).toContain(pu.os);
        if (pu.package !== null) expect(topology.packages[pu.package]?.cpus).toContain(pu.os);
        if (pu.node !== null) expect(topology.node(pu.node)?.cpus).toContain(pu.os);
        for (const cache of pu.caches) expect(topology.caches[cache]?.cpus).toContain(pu.os);
      }
      expect(topology.toText().match(/^ *PU L#/gm)).toHaveLength(cpus.length);
      expect(topology.toText().match(/^ *NUMANode L#/gm)).toHaveLength(topology.nodes.length);
      expect(Topology.from(JSON.parse(JSON.stringify(topology))).toText()).toBe(topology.toText());
    }),
    { numRuns: 300 },
  );
}, 60_000);

test('whatever the files say, limits are values with a source or null with a reason', () => {
  fc.assert(
    fc.property(damaged, (fs) => {
      const { pressure, ...rest } = limits(fs);
      for (const { value, source, reason } of [...Object.values(rest), ...Object.values(pressure)]) {
        if (value === null) expect([source, typeof reason]).toEqual([null, 'string']);
        else expect(source).toMatch(/^\//);
      }
      const threads = rest.availableParallelism.value;
      expect(threads === null || (Number.isInteger(threads) && threads >= 1)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('whatever the files say, every capability has a verdict and a reason', async () => {
  await fc.assert(
    fc.asyncProperty(damaged, async (fs) => {
      for (const { status, reason } of await capabilities({ fs })) {
        expect(['available', 'unavailable', 'unprivileged']).toContain(status);
        expect(reason).not.toBe('');
      }
    }),
    { numRuns: 20 },
  );
});

test('a tree made to be as large as the limits allow is read in bounded time', () => {
  const files: Files = {};
  const text = '0-1023';
  for (let cpu = 0; cpu < 1024; cpu++) {
    // Every CPU speaks for a core; each of these holds the next one, so that almost all are too deep.
    files[`/sys/devices/system/cpu/cpu${cpu}/topology/core_cpus_list`] = `${cpu}-1023`;
    files[`/sys/devices/system/cpu/cpu${cpu}/topology/package_cpus_list`] = text;
    files[`/sys/devices/system/node/node${cpu}/cpumap`] = '0\n';
    files[`/sys/devices/system/node/node${cpu}/access0/initiators/node${(cpu * 7) % 1024}`] = '';
    for (let index = 0; index < 5; index++) {
      const cache = `/sys/devices/system/cpu/cpu${cpu}/cache/index${index}`;
      files[`${cache}/level`] = `${1 + (index % 5)}`;
      files[`${cache}/shared_cpu_list`] = `${cpu}-${1023 - index}`;
    }
  }
  // CPU time: other processes are none of its business.
  const start = process.cpuUsage();
  const topology = Topology.read({ fs: memoryFileSystem(files) });
  expect(topology.counts).toMatchObject({ PU: 1024, Package: 1, NUMANode: 1024 });
  expect(topology.cores.length).toBeLessThan(100);
  const { user } = process.cpuUsage(start);
  expect(user / 1000).toBeLessThan(20_000);
}, 120_000);
