import os from 'node:os';
import { describe, expect, test } from 'vitest';
import { limits, memoryFileSystem } from '../src/index.ts';
import type { Files } from './machine.ts';

function read(files: Files): ReturnType<typeof limits> {
  return limits(memoryFileSystem(files));
}

const G = '/sys/fs/cgroup';
const STATUS = '/proc/self/status';
const V2: Files = {
  '/proc/self/mountinfo': `31 23 0:28 / ${G} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`,
  '/proc/self/cgroup': '0::/pod/app\n',
  [`${G}/cpuset.cpus.effective`]: '0-15\n',
  [`${G}/pod/cpu.max`]: '250000 100000\n',
  [`${G}/pod/memory.max`]: '1073741824\n',
  [`${G}/pod/memory.current`]: '900000000\n',
  [`${G}/pod/app/cpu.max`]: '400000 100000\n',
  [`${G}/pod/app/memory.max`]: 'max\n',
  [`${G}/pod/app/memory.current`]: '1000\n',
  [`${G}/pod/app/cpuset.cpus.effective`]: '0-7\n',
  [`${G}/pod/app/cpuset.mems.effective`]: '0-1\n',
  [`${G}/pod/app/cpu.pressure`]: 'some avg10=1.50 avg60=0.20 avg300=0.00 total=12345\n',
  [STATUS]: 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-5\nMems_allowed_list:\t0\n',
};

describe('cgroup version 2', () => {
  test('the quota and the memory limit are the least over the groups above, wherever it is', () => {
    const found = read(V2);
    expect(found.cpuQuota).toEqual({
      value: 2.5,
      source: `${G}/pod/cpu.max`,
      reason: `least of 3 groups from ${G}/pod/app upwards`,
    });
    expect(found.memoryLimitBytes).toMatchObject({ value: 2 ** 30, source: `${G}/pod/memory.max` });
    const lower = read({
      ...V2,
      [`${G}/pod/app/cpu.max`]: '50000 100000\n',
      [`${G}/pod/app/memory.max`]: '4096\n',
    });
    expect(lower.cpuQuota).toMatchObject({ value: 0.5, source: `${G}/pod/app/cpu.max` });
    expect(lower.memoryLimitBytes).toMatchObject({ value: 4096, source: `${G}/pod/app/memory.max` });
  });

  test('the usage is that of the group which sets the limit; without a limit, the own', () => {
    expect(read(V2).memoryUsageBytes).toMatchObject({
      value: 900_000_000,
      source: `${G}/pod/memory.current`,
    });
    const free = read({ ...V2, [`${G}/pod/memory.max`]: 'max\n' });
    expect(free.memoryLimitBytes.value).toBe('unlimited');
    expect(free.memoryUsageBytes).toMatchObject({ value: 1000, source: `${G}/pod/app/memory.current` });
  });

  test('the cpuset in effect is that of the nearest group that has one', () => {
    expect(read(V2).cpuset).toMatchObject({
      value: [0, 1, 2, 3, 4, 5, 6, 7],
      source: `${G}/pod/app/cpuset.cpus.effective`,
    });
    const above = read({ ...V2, [`${G}/pod/app/cpuset.cpus.effective`]: '\n' });
    expect(above.cpuset.source).toBe(`${G}/cpuset.cpus.effective`);
    expect(read(V2).memoryNodes.value).toEqual([0, 1]);
  });

  test('pressure is that of the own group, else of the machine', () => {
    const found = read({
      ...V2,
      '/proc/pressure/io':
        'some avg10=0.00 avg60=0.00 avg300=0.10 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.05 total=3\n',
    });
    expect(found.pressure.cpu).toMatchObject({
      source: `${G}/pod/app/cpu.pressure`,
      value: { some: { avg10: 1.5, avg60: 0.2, avg300: 0, totalUs: 12_345 }, full: null },
    });
    expect(found.pressure.io).toMatchObject({
      source: '/proc/pressure/io',
      value: { full: { avg300: 0.05, totalUs: 3 } },
    });
    expect(found.pressure.memory).toMatchObject({ value: null, source: null });
    expect(found.pressure.memory.reason).toContain('/proc/pressure/memory');
  });

  test("in a container without a cgroup namespace, the host's path is the mount point here", () => {
    const found = read({
      '/proc/self/mountinfo': `31 23 0:28 /docker/abc ${G} rw - cgroup2 cgroup2 rw\n`,
      '/proc/self/cgroup': '0::/docker/abc/inner\n',
      [`${G}/cpu.max`]: '200000 100000\n',
      [`${G}/inner/cpu.max`]: 'max 100000\n',
    });
    expect(found.cpuQuota).toMatchObject({ value: 2, source: `${G}/cpu.max` });
  });

  test('both the mount and the group may lead out of the namespace; what is left below the mount counts', () => {
    const at = (root: string, path: string): string | null =>
      read({
        '/proc/self/mountinfo': `31 23 0:28 ${root} ${G} rw - cgroup2 cgroup2 rw\n`,
        '/proc/self/cgroup': `0::${path}\n`,
        [`${G}/cpu.max`]: '300000 100000\n',
        [`${G}/job/cpu.max`]: '200000 100000\n',
      }).cpuQuota.source;
    expect(at('/..', '/../job')).toBe(`${G}/job/cpu.max`);
    expect(at('/..', '/')).toBe(`${G}/cpu.max`);
    expect(at('/../..', '/../job')).toBe(`${G}/cpu.max`);
    expect(at('/', '/../job')).toBe(`${G}/cpu.max`);
  });

  test.each(['0::/../outside\n', '0::/gone\n', 'nonsense\n', ''])(
    'a path that is not visible (%j) means the mount point',
    (cgroup) => {
      const found = read({
        ...V2,
        '/proc/self/cgroup': cgroup,
        [`${G}/cpu.max`]: '100000 100000\n',
        '/outside/cpu.max': '1 1\n',
      });
      expect(found.cpuQuota.source).toBe(`${G}/cpu.max`);
    },
  );

  test('mount points with spaces are found', () => {
    const files = {
      '/proc/mounts': 'none /my\\040groups cgroup2 rw 0 0\n',
      '/my groups/cpu.max': '100000 100000\n',
    };
    expect(read(files).cpuQuota.source).toBe('/my groups/cpu.max');
  });
});

describe('cgroup version 1', () => {
  const V1: Files = {
    '/proc/mounts': [
      `cgroup ${G}/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0`,
      `cgroup ${G}/memory cgroup rw,memory 0 0`,
      `cgroup ${G}/cpuset cgroup rw,cpuset 0 0`,
      `cgroup2 ${G}/unified cgroup2 rw 0 0`,
    ].join('\n'),
    '/proc/self/cgroup': '4:cpuset:/set\n3:cpu,cpuacct:/a/b\n2:memory:/m\n0::/x\n',
    [`${G}/cpu,cpuacct/cpu.cfs_quota_us`]: '-1\n',
    [`${G}/cpu,cpuacct/cpu.cfs_period_us`]: '100000\n',
    [`${G}/cpu,cpuacct/a/cpu.cfs_quota_us`]: '150000\n',
    [`${G}/cpu,cpuacct/a/cpu.cfs_period_us`]: '50000\n',
    [`${G}/cpu,cpuacct/a/b/cpu.cfs_quota_us`]: '-1\n',
    [`${G}/cpu,cpuacct/a/b/cpu.cfs_period_us`]: '100000\n',
    [`${G}/memory/memory.limit_in_bytes`]: '9223372036854771712\n',
    [`${G}/memory/m/memory.limit_in_bytes`]: '536870912\n',
    [`${G}/memory/m/memory.usage_in_bytes`]: '1234\n',
    [`${G}/cpuset/set/cpuset.cpus`]: '2-3\n',
    [`${G}/cpuset/set/cpuset.mems`]: '1\n',
  };

  test('each controller has a hierarchy of its own', () => {
    const found = read(V1);
    expect(found.cpuQuota).toMatchObject({ value: 3, source: `${G}/cpu,cpuacct/a/cpu.cfs_quota_us` });
    expect(found.memoryLimitBytes).toMatchObject({
      value: 2 ** 29,
      source: `${G}/memory/m/memory.limit_in_bytes`,
    });
    expect(found.memoryUsageBytes.value).toBe(1234);
    expect(found.cpuset).toMatchObject({ value: [2, 3], source: `${G}/cpuset/set/cpuset.cpus` });
    expect(found.memoryNodes.value).toEqual([1]);
  });

  test('a limit above what a container sees is told by the group itself', () => {
    const stat = (limit: string): Files => ({
      ...V1,
      [`${G}/memory/m/memory.stat`]: `cache 0\nhierarchical_memory_limit ${limit}\nhierarchical_memsw_limit 9\n`,
    });
    expect(read(stat('268435456')).memoryLimitBytes).toMatchObject({
      value: 2 ** 28,
      source: `${G}/memory/m/memory.stat`,
    });
    expect(read(stat('536870912')).memoryLimitBytes.source).toBe(`${G}/memory/m/memory.limit_in_bytes`);
    expect(read(stat('9223372036854771712')).memoryLimitBytes.value).toBe(2 ** 29);
  });

  test('a quota of -1 and a limit of all pages are no limits', () => {
    const found = read({ ...V1, '/proc/self/cgroup': '3:cpu,cpuacct:/\n2:memory:/\n' });
    expect(found.cpuQuota.value).toBe('unlimited');
    expect(found.memoryLimitBytes.value).toBe('unlimited');
  });

  test('the effective set goes before the configured one', () => {
    const found = read({ ...V1, [`${G}/cpuset/set/cpuset.effective_cpus`]: '3\n' });
    expect(found.cpuset.value).toEqual([3]);
  });

  test('the file system that was before cgroups has no prefixes', () => {
    const found = read({
      '/proc/mounts': 'none /dev/cpuset cpuset rw 0 0\n',
      '/proc/self/cpuset': '/job\n',
      '/dev/cpuset/job/cpus': '4-5\n',
      '/dev/cpuset/job/mems': '2\n',
    });
    expect(found.cpuset).toMatchObject({ value: [4, 5], source: '/dev/cpuset/job/cpus' });
  });

  test('a capture without mounts is tried in the usual place', () => {
    const bare = Object.fromEntries(Object.entries(V1).filter(([path]) => path !== '/proc/mounts'));
    expect(read(bare).cpuQuota.value).toBe(3);
  });
});

const parallelism = (cpus: string, affinity: string, quota: string): unknown =>
  read({
    ...V2,
    [`${G}/pod/app/cpuset.cpus.effective`]: cpus,
    [STATUS]: `Cpus_allowed_list:\t${affinity}\n`,
    [`${G}/pod/cpu.max`]: quota,
  }).availableParallelism.value;

describe('available parallelism', () => {
  test('is the CPUs allowed by all, at most the whole CPUs of the quota, at least 1', () => {
    expect(parallelism('0-7', '0-5', 'max 100000')).toBe(4); // /pod/app allows 4
    expect(parallelism('0-2', '1-5', 'max 100000')).toBe(2);
    expect(parallelism('0-7', '0-5', '250000 100000')).toBe(2);
    expect(parallelism('0-7', '0-5', '50000 100000')).toBe(1);
    expect(parallelism('0-1', '4-5', 'max 100000')).toBe(2);
  });

  test('names what was tightest', () => {
    expect(read(V2).availableParallelism).toEqual({
      value: 2,
      source: `${G}/pod/cpu.max`,
      reason: 'quota 2.5 CPUs, 6 CPUs allowed',
    });
    const wide = read({
      ...V2,
      [`${G}/pod/cpu.max`]: '800000 100000',
      [`${G}/pod/app/cpu.max`]: 'max 100000',
    });
    expect(wide.availableParallelism).toMatchObject({ value: 6, source: STATUS });
    const free = read({ ...V2, [`${G}/pod/cpu.max`]: 'max 100000', [`${G}/pod/app/cpu.max`]: 'max 100000' });
    expect(free.availableParallelism.reason).toBe('6 CPUs allowed, no quota');
  });

  test('is null where nothing tells, on a machine that is not this one', () => {
    expect(read({}).availableParallelism).toMatchObject({ value: null, source: null });
  });

  // Node does not look at the groups above the process's own where the quota is set there: then we may only be lower.
  test.runIf(process.platform === 'linux')('agrees with Node on this machine where no quota is set', () => {
    const { availableParallelism, cpuQuota } = limits();
    expect(availableParallelism.value).toBeLessThanOrEqual(os.availableParallelism());
    if (typeof cpuQuota.value !== 'number')
      expect(availableParallelism.value).toBe(os.availableParallelism());
  });
});

describe('limits of the process', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max open files            1024                 524288               files     ',
    'Max locked memory         8388608              unlimited            bytes     ',
    'Max nice priority         0                    0                    ',
  ].join('\n');

  test('soft and hard are told apart', () => {
    const found = read({ '/proc/self/limits': text });
    expect(found.openFiles).toEqual({
      value: { soft: 1024, hard: 524_288 },
      source: '/proc/self/limits',
      reason: null,
    });
    expect(found.lockedMemoryBytes.value).toEqual({ soft: 8_388_608, hard: 'unlimited' });
  });

  test('everything that is missing is null, with what was looked for', () => {
    const { pressure, ...found } = read({});
    for (const reading of [...Object.values(found), ...Object.values(pressure)])
      expect(reading).toEqual({ value: null, source: null, reason: expect.stringMatching(/./) });
    expect(found.openFiles.reason).toContain('/proc/self/limits');
    expect(found.cpuQuota.reason).toContain('/proc/self/mountinfo');
  });

  test('values that are no numbers are missing values', () => {
    const broken = {
      [`${G}/pod/cpu.max`]: 'lots\n',
      [`${G}/pod/app/cpu.max`]: '100000 0\n',
      [`${G}/pod/memory.max`]: '-5\n',
    };
    const found = read({ ...V2, ...broken, [STATUS]: 'Cpus_allowed_list:\t5-3\n' });
    expect(found.cpuQuota.value).toBeNull();
    expect(found.memoryLimitBytes.value).toBe('unlimited');
    expect(found.affinity).toMatchObject({ value: null, reason: expect.stringContaining('runs backwards') });
  });
});
