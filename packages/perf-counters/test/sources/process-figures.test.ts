// What each source of the process, and of its arenas, records of what it reads, on machines that a test makes up.
import { describe, expect, test } from 'vitest';
import { fakeHost, valuesOf } from './fake-host.ts';
import { capability, start } from './started.ts';

describe('memory of the process', () => {
  test('is what /proc says, in bytes', () => {
    const { value } = start(['processMemory']);
    expect(value('process_resident_memory_bytes')).toBe(2000 * 1024);
    expect(value('process_virtual_memory_bytes')).toBe(3000 * 1024);
    expect(value('process_heap_bytes')).toBe(1000 * 1024);
  });

  test('elsewhere is the resident size, and the rest is missing', () => {
    const { sources, value } = start(['processMemory'], fakeHost({ platform: 'darwin', rss: () => 4096 }));
    expect(value('process_resident_memory_bytes')).toBe(4096);
    expect(value('process_heap_bytes')).toBeUndefined();
    expect(capability(sources).missing.map(({ metric }) => metric)).toEqual([
      'process_virtual_memory_bytes',
      'process_heap_bytes',
    ]);
  });
});

describe('CPU time', () => {
  test('that is told as less than before is not counted, nor again when it is back', async () => {
    const { host, sources, value } = start(['processCpu']);
    for (const user of [900_000, 1_000_000, 1_200_000]) {
      host.now.cpu = { user, system: 500_000 };
      await sources.sample();
    }
    expect(value('process_cpu_user_seconds_total')).toBe(1.2);
    expect(capability(sources)).toMatchObject({ status: 'active', reason: null });
    expect(sources.costs()[0]).toMatchObject({ samples: 4, failures: 0 });
  });
});

describe('file descriptors', () => {
  test('are the size of /proc/self/fd, without a list', () => {
    const host = fakeHost();
    host.now.entries = () => Promise.reject(new Error('listed'));
    const { value } = start(['fileDescriptors'], host);
    expect([value('process_open_fds'), value('process_max_fds')]).toEqual([17, 1024]);
  });

  test('are listed where the kernel is older, without the one that the list takes', async () => {
    const host = fakeHost();
    host.now.sizes['/proc/self/fd'] = 0;
    const { sources, value } = start(['fileDescriptors'], host);
    await sources.sample();
    expect(value('process_open_fds')).toBe(17);
  });

  test('that are listed after the end are not recorded', async () => {
    const host = fakeHost();
    host.now.sizes['/proc/self/fd'] = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    host.now.entries = () => promise;
    const { sources, value } = start(['fileDescriptors'], host);
    const sampled = sources.sample();
    sources[Symbol.dispose]();
    resolve(5);
    await sampled;
    expect(value('process_open_fds')).toBeUndefined();
  });

  test('may be unlimited', () => {
    const host = fakeHost();
    host.now.files['/proc/self/limits'] =
      'Max open files            unlimited            unlimited            files\n';
    expect(start(['fileDescriptors'], host).value('process_max_fds')).toBe(Infinity);
  });

  test('are absent off Linux, with the reason', () => {
    const { sources } = start(['fileDescriptors'], fakeHost({ platform: 'darwin' }));
    expect(capability(sources)).toMatchObject({
      status: 'absent',
      metrics: [],
      reason: "/proc/self/limits is Linux's, and this is darwin",
    });
  });
});

test('page faults and context switches of the process are absent on Windows, which does not tell them', () => {
  const { sources } = start(['processResources'], fakeHost({ platform: 'win32' }));
  expect(capability(sources)).toMatchObject({ status: 'absent', reason: expect.stringContaining('Windows') });
});

test('start and version', () => {
  const host = fakeHost({ epochMs: () => 1_700_000_100_400, uptimeSeconds: () => 100 });
  const { registry, value } = start(['processInfo'], host);
  expect(value('process_start_time_seconds')).toBe(1_700_000_000);
  expect(valuesOf(registry.read(), 'nodejs_version_info')).toEqual({
    'version=v26.1.2,major=26,minor=1,patch=2': 1,
  });
});

test('arenas: the registry has its own, others have their names, and threads that tell the same do not add up', async () => {
  const arena = { bytes: 1000, usedBytes: 10 };
  const { registry, sources } = start(['arenas'], undefined, {
    arenas: { pool: arena },
    labels: { team: 'a' },
  });
  arena.usedBytes = 20;
  await sources.sample();
  const snapshot = registry.read();
  expect(valuesOf(snapshot, 'corelane_arena_size_bytes')).toEqual({
    'arena=registry,team=a': 4 << 20,
    'arena=pool,team=a': 1000,
  });
  expect(valuesOf(snapshot, 'corelane_arena_used_bytes')['arena=pool,team=a']).toBe(20);
});
