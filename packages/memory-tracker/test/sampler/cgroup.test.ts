// Trees of cgroup files as they are on machines: v2 with limits above the group, v1, containers, and none.
import { describe, expect, test } from 'vitest';
import { cgroupMemory, readCgroup } from '../../src/sampler/index.ts';

const from =
  (files: Record<string, string>) =>
  (path: string): string | undefined =>
    files[path];
const V1_NO_LIMIT = '9223372036854771712\n';

describe('version 2', () => {
  const files = {
    '/proc/self/cgroup': '0::/system.slice/app.service\n',
    '/sys/fs/cgroup/system.slice/app.service/memory.current': '400000000\n',
    '/sys/fs/cgroup/system.slice/app.service/memory.max': '900000000\n',
    '/sys/fs/cgroup/system.slice/app.service/memory.high': 'max\n',
    '/sys/fs/cgroup/system.slice/app.service/memory.stat': 'anon 1\nactive_file 7\ninactive_file 100000000\n',
    '/sys/fs/cgroup/system.slice/memory.max': '500000000\n',
    '/sys/fs/cgroup/system.slice/memory.high': 'max\n',
  };

  test('the limit is the least of the group and those above it', () => {
    expect(readCgroup({ readText: from(files) })).toEqual({
      version: 2,
      path: '/sys/fs/cgroup/system.slice/app.service',
      currentBytes: 400_000_000,
      workingSetBytes: 300_000_000,
      limitBytes: 500_000_000,
    });
    expect(cgroupMemory({ readText: from(files) }).read()).toEqual({
      current: 400_000_000,
      workingSet: 300_000_000,
      limit: 500_000_000,
    });
  });

  test('what throttles is a limit too', () => {
    const readText = from({ ...files, '/sys/fs/cgroup/system.slice/memory.high': '450000000\n' });
    expect(readCgroup({ readText })).toMatchObject({ limitBytes: 450_000_000 });
  });

  test('in a container, where the path is not mounted, it is the root', () => {
    const readText = from({
      '/proc/self/cgroup': '0::/../../kubepods/pod1/abc\n',
      '/sys/fs/cgroup/memory.current': '1000\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
    });
    expect(readCgroup({ readText })).toEqual({
      version: 2,
      path: '/sys/fs/cgroup/',
      currentBytes: 1000,
      workingSetBytes: undefined,
      limitBytes: undefined,
    });
    expect(cgroupMemory({ readText }).read()).toEqual({ current: 1000 });
  });
});

test('version 1, with a limit above and none of its own', () => {
  const readText = from({
    '/proc/self/cgroup': '9:cpu,cpuacct:/docker/x\n5:memory:/docker/x\n0::/\n',
    '/sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes': '2000000\n',
    '/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes': V1_NO_LIMIT,
    '/sys/fs/cgroup/memory/docker/x/memory.stat': 'inactive_file 1\ntotal_inactive_file 500000\n',
    '/sys/fs/cgroup/memory/docker/memory.limit_in_bytes': '8000000\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': V1_NO_LIMIT,
  });
  expect(readCgroup({ readText })).toEqual({
    version: 1,
    path: '/sys/fs/cgroup/memory/docker/x',
    currentBytes: 2_000_000,
    workingSetBytes: 1_500_000,
    limitBytes: 8_000_000,
  });
});

test.each([
  [{}, '/proc/self/cgroup can not be read'],
  [{ '/proc/self/cgroup': '1:name=systemd:/\n' }, '/proc/self/cgroup names no group with memory'],
  [{ '/proc/self/cgroup': '0::/\n' }, '/sys/fs/cgroup/memory.current can not be read'],
  [
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.current': 'garbage' },
    '/sys/fs/cgroup/memory.current can not be read',
  ],
])('where there is none, the reason is told (%#)', (files, missing) => {
  const readText = from(files);
  expect(readCgroup({ readText })).toEqual({ missing });
  expect(cgroupMemory({ readText }).read()).toEqual({});
});

test('on this machine it is figures, or a reason', () => {
  const found = readCgroup();
  if ('missing' in found) expect(found.missing).toMatch(/cgroup/);
  else expect(found.currentBytes).toBeGreaterThanOrEqual(0);
});
