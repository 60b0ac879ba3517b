import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cgroupCpus, cgroupMemory, readText, type ReadText } from '../../src/health/cgroup.ts';

const G = '/sys/fs/cgroup';
const from =
  (files: Record<string, string>): ReadText =>
  (path) =>
    files[path];

/** As a pod of Kubernetes sees it: its own group under one that the kubelet limits. */
const V2: Record<string, string> = {
  '/proc/self/mountinfo': `31 23 0:28 / ${G} rw,nosuid,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`,
  '/proc/self/cgroup': '0::/pod/app\n',
  [`${G}/cgroup.procs`]: '',
  [`${G}/pod/cgroup.procs`]: '',
  [`${G}/pod/cpu.max`]: '50000 100000\n',
  [`${G}/pod/memory.max`]: '1073741824\n',
  [`${G}/pod/memory.current`]: '900000000\n',
  [`${G}/pod/memory.stat`]:
    'anon 500000000\nfile 400000000\ninactive_file 300000000\nactive_file 100000000\n',
  [`${G}/pod/app/cgroup.procs`]: '1\n',
  [`${G}/pod/app/cpu.max`]: 'max 100000\n',
  [`${G}/pod/app/memory.max`]: 'max\n',
  [`${G}/pod/app/memory.current`]: '4096\n',
  [`${G}/pod/app/memory.stat`]: 'inactive_file 1\n',
};

/** As Docker does it: the group's own path is the host's, and the mount shows that group as its root. */
const V1: Record<string, string> = {
  '/proc/self/mountinfo': [
    `40 30 0:35 /docker/abc ${G}/memory ro,nosuid - cgroup cgroup rw,memory`,
    `41 30 0:36 /docker/abc ${G}/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct`,
    `42 30 0:37 / ${G}/unified rw - cgroup2 cgroup2 rw`,
    '',
  ].join('\n'),
  '/proc/self/cgroup': '11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n',
  [`${G}/memory/cgroup.procs`]: '1\n',
  [`${G}/memory/memory.limit_in_bytes`]: '9223372036854771712\n',
  [`${G}/memory/memory.usage_in_bytes`]: '600000000\n',
  [`${G}/memory/memory.stat`]:
    'inactive_file 7\nhierarchical_memory_limit 1000000000\ntotal_inactive_file 100000000\n',
  [`${G}/cpu,cpuacct/cgroup.procs`]: '1\n',
  [`${G}/cpu,cpuacct/cpu.cfs_quota_us`]: '150000\n',
  [`${G}/cpu,cpuacct/cpu.cfs_period_us`]: '100000\n',
};

describe('version 2', () => {
  test('the least limit of all groups holds, with the usage of the group that sets it', () => {
    expect(cgroupMemory(from(V2))()).toEqual({
      memoryLimitBytes: { value: 2 ** 30, source: `${G}/pod/memory.max`, reason: null },
      memoryUsageBytes: { value: 900_000_000, source: `${G}/pod/memory.current`, reason: null },
      memoryReclaimableBytes: { value: 300_000_000, source: `${G}/pod/memory.stat`, reason: null },
    });
    const lower = from({ ...V2, [`${G}/pod/app/memory.max`]: '1000000\n' });
    expect(cgroupMemory(lower)()).toMatchObject({
      memoryLimitBytes: { value: 1_000_000 },
      memoryUsageBytes: { value: 4096 },
      memoryReclaimableBytes: { value: 1 },
    });
  });

  test('without a limit anywhere it is unlimited, with the usage of its own group', () => {
    expect(cgroupMemory(from({ ...V2, [`${G}/pod/memory.max`]: 'max\n' }))()).toMatchObject({
      memoryLimitBytes: { value: 'unlimited' },
      memoryUsageBytes: { value: 4096 },
    });
  });

  test('the least quota of CPU time holds', () => {
    expect(cgroupCpus(from(V2))).toBe(0.5);
    expect(cgroupCpus(from({ ...V2, [`${G}/pod/cpu.max`]: 'max 100000\n' }))).toBe(Infinity);
    expect(cgroupCpus(from({ ...V2, [`${G}/pod/app/cpu.max`]: '25000 100000\n' }))).toBe(0.25);
  });

  test('a group that is not seen under its path, or lies outside of the namespace, is the one at the mount', () => {
    const files = { ...V2, [`${G}/memory.max`]: '5000\n', [`${G}/memory.current`]: '50\n' };
    for (const path of ['/../other', '/kubepods/of/the/host'])
      expect(cgroupMemory(from({ ...files, '/proc/self/cgroup': `0::${path}\n` }))()).toMatchObject({
        memoryLimitBytes: { value: 5000 },
        memoryUsageBytes: { value: 50 },
      });
  });
});

describe('version 1', () => {
  test('a limit of a group that is not visible holds, and subtrees count as reclaimable', () => {
    expect(cgroupMemory(from(V1))()).toMatchObject({
      memoryLimitBytes: { value: 1e9, source: `${G}/memory/memory.stat` },
      memoryUsageBytes: { value: 600_000_000 },
      memoryReclaimableBytes: { value: 100_000_000 },
    });
    const own = from({ ...V1, [`${G}/memory/memory.limit_in_bytes`]: '700000000\n' });
    expect(cgroupMemory(own)()).toMatchObject({
      memoryLimitBytes: { value: 700_000_000, source: `${G}/memory/memory.limit_in_bytes` },
    });
  });

  test('a quota is that over its period, and -1 is none', () => {
    expect(cgroupCpus(from(V1))).toBe(1.5);
    expect(cgroupCpus(from({ ...V1, [`${G}/cpu,cpuacct/cpu.cfs_quota_us`]: '-1\n' }))).toBe(Infinity);
  });
});

test('what can not be read, or is no number, is null with a reason and never 0', () => {
  const trees: [Record<string, string>, string][] = [
    [{}, 'no memory cgroup is mounted here'],
    [
      { ...V2, [`${G}/pod/app/memory.max`]: 'many', [`${G}/pod/memory.max`]: '-5' },
      `no memory.max in ${G}/pod/app or the groups above`,
    ],
    [{ '/proc/self/mountinfo': 'garbage\n - cgroup2\n' }, 'no memory.max in '],
  ];
  for (const [files, reason] of trees) {
    const { memoryLimitBytes, memoryUsageBytes } = cgroupMemory(from(files))();
    expect(memoryLimitBytes.value).toBeNull();
    expect(memoryUsageBytes.value).toBeNull();
    expect(memoryLimitBytes.reason).toContain(reason);
  }
  const unread = Object.fromEntries(Object.entries(V2).filter(([path]) => !path.endsWith('memory.current')));
  expect(cgroupMemory(from(unread))().memoryUsageBytes).toEqual({
    value: null,
    source: null,
    reason: `${G}/pod/memory.current can not be read`,
  });
  expect(cgroupCpus(from({}))).toBeNull();
});

test('a group that is gone is looked for again, and limits that change are seen', () => {
  const files = { ...V2 };
  const memory = cgroupMemory((path) => files[path]);
  expect(memory().memoryLimitBytes.value).toBe(2 ** 30);
  files[`${G}/pod/memory.max`] = '2000000000\n';
  expect(memory().memoryLimitBytes.value).toBe(2e9);
  for (const path of Object.keys(files)) if (path.startsWith(`${G}/pod`)) delete files[path];
  files['/proc/self/cgroup'] = '0::/moved\n';
  Object.assign(files, {
    [`${G}/moved/cgroup.procs`]: '',
    [`${G}/moved/memory.max`]: '77\n',
    [`${G}/moved/memory.current`]: '7\n',
  });
  expect(memory().memoryLimitBytes.value).toBeNull();
  expect(memory()).toMatchObject({ memoryLimitBytes: { value: 77 }, memoryUsageBytes: { value: 7 } });
});

test.runIf(existsSync('/proc/self/cgroup'))('the cgroup of this machine reads without nonsense', () => {
  const { memoryLimitBytes, memoryUsageBytes, memoryReclaimableBytes } = cgroupMemory(readText)();
  if (memoryLimitBytes.value === null) expect(memoryLimitBytes.reason).toBeTruthy();
  else expect(memoryUsageBytes.value).toBeGreaterThan(memoryReclaimableBytes?.value ?? 0);
  const cpus = cgroupCpus(readText);
  if (cpus !== null) expect(cpus).toBeGreaterThan(0);
});
