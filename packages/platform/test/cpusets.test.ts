import { describe, expect, test } from 'vitest';
import type { Files } from './machine.ts';
import { read, two } from './machine.ts';

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

  test('a package of which only the memory is allowed stays, without its caches', () => {
    const topology = read({ ...two, ...v2, '/sys/fs/cgroup/a/cpuset.mems.effective': '0-1\n' });
    expect(topology.counts).toMatchObject({ PU: 3, Package: 2, NUMANode: 2, L3Cache: 1, L2Cache: 2 });
    expect(topology.packages[1]).toMatchObject({ cpus: [], nodes: [1] });
    expect(topology.nodes[1]).toMatchObject({ cpus: [], memoryOnly: false });
    expect(topology.toText().match(/Package|NUMANode|L3Cache/g)).toHaveLength(5);
  });

  test('everything is there when asked for, and what is outside still listed', () => {
    const topology = read({ ...two, ...v2 }, {}, { disallowed: true });
    expect(topology.counts).toMatchObject({ PU: 8, Package: 2, NUMANode: 2 });
    expect(topology.disallowedCpus).toEqual([3, 4, 5, 6, 7]);
    expect(topology.disallowedNodes).toEqual([1]);
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

  test('a cpuset that does forbid memory says nothing of a node without any: as in hwloc it is forbidden', () => {
    const empty = { '/sys/devices/system/node/node1/meminfo': 'Node 1 MemTotal: 0 kB\n' };
    const three = {
      '/sys/devices/system/node/online': '0-2\n',
      '/sys/devices/system/node/node2/cpumap': '0\n',
    };
    const files = { ...two, ...v2, ...empty, ...three, '/sys/fs/cgroup/a/cpuset.cpus.effective': '0-7\n' };
    expect(read(files).disallowedNodes).toEqual([1, 2]);
    expect(read({ ...files, '/sys/fs/cgroup/a/cpuset.mems.effective': '0,2\n' }).disallowedNodes).toEqual([]);
  });

  const counted = (files: Files): unknown => read({ ...two, ...files }).counts.PU;

  test("the kernel's own word on the group goes before the list of all groups", () => {
    const named = { '/proc/self/cpuset': '/a\n', '/proc/self/cgroup': '0::/b\n' };
    const files = {
      '/sys/fs/cgroup/a/cpuset.cpus.effective': '0-2\n',
      '/sys/fs/cgroup/b/cpuset.cpus.effective': '0\n',
    };
    const mounts = { '/proc/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n' };
    expect(counted({ ...named, ...files, ...mounts })).toBe(3);
  });

  test.each([
    ['/sys/fs/cgroup', 'cpuset.cpus.effective'],
    ['/sys/fs/cgroup/cpuset', 'cpuset.cpus'],
    ['/dev/cpuset', 'cpus'],
  ])('without a mount that shows it, %s/GROUP/%s is tried', (root, file) => {
    const job = {
      '/proc/self/cpuset': '/job\n',
      [`${root}/${file}`]: '0-7\n',
      [`${root}/job/${file}`]: '5-7\n',
    };
    expect(counted(job)).toBe(3);
    expect(counted({ ...job, '/proc/mounts': 'sysfs /sys sysfs rw 0 0\n' })).toBe(3);
  });

  test.each([
    ['cgroup /cg cgroup rw,cpuset,cpu 0 0', '/cg/job/cpuset.cpus'],
    ['cgroup /cg cgroup rw,cpuset,noprefix 0 0', '/cg/job/cpus'],
    ['none /cg cpuset rw 0 0', '/cg/job/cpus'],
    ['cgroup2 /cg cgroup2 rw 0 0', '/cg/job/cpuset.cpus.effective'],
  ])('mounted under any name (%s), it is found', (mount, file) => {
    expect(counted({ '/proc/mounts': `${mount}\n`, '/proc/self/cpuset': '/job\n', [file]: '1,3\n' })).toBe(2);
  });

  test('with both versions mounted, the cpuset is where version 1 has it', () => {
    const files = {
      '/proc/mounts':
        'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n',
      '/proc/self/cgroup': '5:cpuset:/job\n0::/other\n',
      '/sys/fs/cgroup/cpuset/job/cpuset.cpus': '0\n',
      '/sys/fs/cgroup/unified/other/cpuset.cpus.effective': '0-3\n',
    };
    expect(counted(files)).toBe(1);
  });
});
