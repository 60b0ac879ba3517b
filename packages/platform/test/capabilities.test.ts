import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Capability, CapabilityName } from '../src/index.ts';
import { capabilities, memoryFileSystem, PerfEvents } from '../src/index.ts';
import { loadNative } from '../src/native.ts';
import { probeReusePort } from '../src/capabilities/reuse-port.ts';
import { inChild } from './child.ts';
import { compileProgram } from './compiled.ts';
import { cpusetGroup } from './cpuset-group.ts';
import { cpus } from './machine-facts.ts';
import { native } from './native-mode.ts';
import type { Files } from './machine.ts';
import { machine } from './machine.ts';

// Processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
const filter = compileProgram('perf-seccomp.c');
afterAll(() => {
  filter?.remove();
});

async function one(name: CapabilityName, files: Files): Promise<Capability | undefined> {
  return (await capabilities({ fs: memoryFileSystem(files) })).find((capability) => capability.name === name);
}

const listen = (port: number): Promise<[boolean, ReturnType<typeof createServer>]> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve([false, server]));
    server.listen({ host: '127.0.0.1', port, reusePort: true }, () => resolve([true, server]));
  });

const has = (value: unknown): string => (typeof value === 'function' ? 'available' : 'unavailable');

const caps = (mask: string): Files => ({ '/proc/self/status': `CapEff:\t${mask}\nSeccomp:\t0\n` });
const none = caps('0000000000000000');
const all = caps('000001ffffffffff');
const mapped: Files = { '/proc/self/uid_map': '         0       1000          1\n' };
const unmapped: Files = { '/proc/self/uid_map': '         0          0 4294967295\n' };
const paranoid = (level: string): Files => ({ '/proc/sys/kernel/perf_event_paranoid': `${level}\n` });
const uring = (disabled: string, release = '6.8.0-31-generic'): Files => ({
  '/proc/sys/kernel/osrelease': `${release}\n`,
  '/proc/sys/kernel/io_uring_disabled': `${disabled}\n`,
});
const memlock = (soft: string): Files => ({
  '/proc/self/limits': `Max locked memory         ${soft.padEnd(20)} unlimited            bytes     \n`,
});
const priorities = (soft: string): Files => ({
  '/proc/self/limits': ['nice priority', 'realtime priority']
    .map((name) => `${`Max ${name}`.padEnd(26)}${soft.padEnd(21)}${soft.padEnd(21)}\n`)
    .join(''),
});
/** By the files the kernel grants them, and it takes the addon to call it. A THP setting of [always] needs nobody. */
const THROUGH_ADDON: ReadonlySet<CapabilityName> = new Set([
  'memoryLocking',
  'perfEvents',
  'realtimeScheduling',
]);
const thp = (text: string): Files => ({ '/sys/kernel/mm/transparent_hugepage/enabled': `${text}\n` });
const ADVISED = thp('always [madvise] never');
const pages = (count: number): Files => ({
  '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': `${count}\n`,
});
const numa = (nodes: number[]): Files => machine({ packages: 2, cores: 1, threads: 1, nodes });

describe('on this machine', () => {
  test('every capability is there once, with evidence', async () => {
    const found = await capabilities();
    expect(found.map(({ name }) => name)).toEqual([
      'topology',
      'cgroupLimits',
      'numaNodes',
      'nativeAddon',
      'cpuAffinity',
      'raisePriority',
      'realtimeScheduling',
      'memoryPolicy',
      'reusePort',
      'sharedWasmMemory',
      'atomicsWaitAsync',
      'atomicsPause',
      'threadCpuUsage',
      'transparentHugePages',
      'reservedHugePages',
      'memoryLocking',
      'perfEvents',
      'hardwareCounters',
      'ioUring',
    ]);
    for (const { reason } of found) expect(reason.length).toBeGreaterThan(20);
  });

  test('what takes the addon is there with it, and without it says why not', async () => {
    const found = new Map((await capabilities()).map((capability) => [capability.name, capability]));
    expect(found.get('nativeAddon')?.status).toBe(native ? 'available' : 'unavailable');
    for (const name of ['cpuAffinity', 'memoryPolicy', 'realtimeScheduling'] as const) {
      const { status, reason } = found.get(name) as Capability;
      if (native) expect(reason).not.toMatch(/takes the addon/);
      else expect([status, reason]).toEqual(['unavailable', expect.stringContaining(loadNative().reason)]);
    }
    if (native) expect(found.get('cpuAffinity')?.status).toBe('available');
  });

  test('hardware counters are there where cycles are counted, and only there', async () => {
    const found = (await capabilities()).find(({ name }) => name === 'hardwareCounters');
    const opened = PerfEvents.open({ events: ['cycles'] });
    const cycles = opened.status === 'verified' ? opened.value.read().cycles.value : null;
    if (opened.status === 'verified') opened.value.close();
    expect(found?.status).toBe(cycles === null ? 'unavailable' : 'available');
  });

  test('changes nothing: a cpuset that is widened later widens the thread', async ({ skip }) => {
    if (cpus.length < 2) return skip('one CPU');
    using group = cpusetGroup(`${cpus[0]}`);
    if (group.add === undefined) return skip(group.reason);
    const code = `await platform.capabilities();
      const { writeFileSync } = await import('node:fs');
      writeFileSync(${JSON.stringify(`${group.reason}/cpuset.cpus`)}, '${cpus[0]},${cpus.at(-1)}');
      return platform.affinity();`;
    const answer = await inChild(code, { prepare: group.add });
    expect(answer).toEqual({ status: 'verified', value: [cpus[0], cpus.at(-1)] });
  });

  test.runIf(filter && existsSync(PARANOID))(
    'perf events that a filter forbids are not called available',
    async () => {
      const code = "return (await platform.capabilities()).find(({ name }) => name === 'perfEvents')";
      const found = await inChild<Capability>(code, { wrapper: [filter?.file ?? '', '1'] });
      expect(found.status).toBe(native ? 'unprivileged' : 'unavailable');
      if (native) expect(found.reason).toMatch(/tried, .*EPERM/);
    },
  );

  test.runIf(process.allowedNodeEnvironmentFlags.has('--allow-net'))(
    'answers where Node may do next to nothing',
    async () => {
      const child = await inChild<Capability[]>('return await platform.capabilities()', {
        node: ['--permission', '--allow-fs-read=*'],
      });
      const found = new Map(child.map((capability) => [capability.name, capability]));
      expect(found.get('nativeAddon')).toMatchObject({ status: 'unavailable' });
      expect(found.get('reusePort')).toMatchObject({
        status: 'unprivileged',
        reason: expect.stringContaining('--allow-net'),
      });
    },
  );

  test('reusePort is what two real listeners find', async () => {
    const verdict = (await one('reusePort', {}))?.status;
    const [first, a] = await listen(0);
    const address = a.address();
    const [second, b] = first && typeof address === 'object' ? await listen(address?.port ?? 0) : [false, a];
    expect(verdict).toBe(first && second ? 'available' : 'unavailable');
    for (const server of [a, b]) server.close();
  });

  test('a runtime that takes reusePort and ignores it is found out', async () => {
    expect(await probeReusePort(false)).toEqual({
      status: 'unavailable',
      reason: expect.stringMatching(/^a second one on its port of net listen.* failed with EADDRINUSE/),
    });
  });

  test('what the runtime has is what is called', async () => {
    const status = new Map((await capabilities()).map((capability) => [capability.name, capability.status]));
    expect(status.get('threadCpuUsage')).toBe(has((process as { threadCpuUsage?: unknown }).threadCpuUsage));
    expect(status.get('atomicsPause')).toBe(has((Atomics as { pause?: unknown }).pause));
    expect(status.get('atomicsWaitAsync')).toBe('available');
    expect(status.get('sharedWasmMemory')).toBe('available');
  });

  test('leaves nothing behind that keeps the process alive', () => {
    const source = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);
    const script = `import { capabilities } from ${source}; await capabilities(); console.log('asked');`;
    const child = spawnSync(
      process.execPath,
      ['--conditions=@corelane/source', '--input-type=module', '-e', script],
      {
        encoding: 'utf8',
        timeout: 20_000,
      },
    );
    expect([child.status, child.signal, child.stdout]).toEqual([0, null, 'asked\n']);
  });
});

describe('by the files', () => {
  test.each<[CapabilityName, string, RegExp, Files]>([
    ['perfEvents', 'unavailable', /perf_event_paranoid is not there/, none],
    ['perfEvents', 'available', /is 1: own threads/, { ...none, ...paranoid('1') }],
    ['perfEvents', 'available', /is -1/, { ...none, ...paranoid('-1') }],
    ['perfEvents', 'unprivileged', /is 2: .*user space only/, { ...none, ...paranoid('2') }],
    ['perfEvents', 'unprivileged', /is 4: nothing without CAP_PERFMON/, { ...none, ...paranoid('4') }],
    ['perfEvents', 'available', /overrides/, { ...all, ...paranoid('4') }],
    ['ioUring', 'unavailable', /osrelease is not there; needs Linux 5\.1/, none],
    ['ioUring', 'unavailable', /osrelease is 5\.0\.0; needs Linux 5\.1/, uring('0', '5.0.0')],
    ['ioUring', 'available', /io_uring_disabled is 0/, { ...none, ...uring('0') }],
    ['ioUring', 'unprivileged', /is 1: only for CAP_SYS_ADMIN/, { ...none, ...uring('1') }],
    ['ioUring', 'available', /is 1/, { ...all, ...uring('1') }],
    ['ioUring', 'unavailable', /is 2: off for all; needs 0/, { ...all, ...uring('2') }],
    ['ioUring', 'unprivileged', /seccomp/, { ...uring('0'), '/proc/self/status': 'Seccomp:\t2\n' }],
    ['memoryLocking', 'unavailable', /no line "Max locked memory"/, none],
    ['memoryLocking', 'unprivileged', /is 65536 bytes/, { ...none, ...memlock('65536') }],
    ['memoryLocking', 'available', /is unlimited bytes/, { ...none, ...memlock('unlimited') }],
    ['memoryLocking', 'available', /CAP_IPC_LOCK/, { ...all, ...memlock('65536') }],
    ['transparentHugePages', 'available', /\[always\] madvise never/, thp('[always] madvise never')],
    ['transparentHugePages', 'available', /\[madvise\].*advised/, ADVISED],
    ['transparentHugePages', 'unavailable', /\[never\].*needs \[always\]/, thp('always madvise [never]')],
    ['transparentHugePages', 'unavailable', /is not there/, {}],
    // Root of a user namespace, as in a rootless container, has every capability and none of these.
    ['raisePriority', 'unprivileged', /RLIMIT_NICE in .* is 0/, { ...all, ...priorities('0'), ...mapped }],
    ['memoryLocking', 'unprivileged', /is 65536 bytes/, { ...all, ...memlock('65536'), ...mapped }],
    ['perfEvents', 'unprivileged', /is 4: nothing/, { ...all, ...paranoid('4'), ...mapped }],
    ['perfEvents', 'available', /overrides/, { ...all, ...paranoid('4'), ...unmapped }],
    ['reservedHugePages', 'unavailable', /nr_hugepages is 3; the kernel maps them only/, pages(3)],
    ['reservedHugePages', 'unavailable', /nr_hugepages is 0; needs at least 1/, pages(0)],
    ['reservedHugePages', 'unavailable', /no pools/, {}],
    ['numaNodes', 'available', /2 usable \(0,3\)/, numa([0, 3])],
    ['numaNodes', 'unavailable', /1 usable \(0\); needs more than 1/, numa([0])],
    ['topology', 'available', /2 PUs, 2 cores, 2 packages, 2 nodes/, numa([0, 3])],
    ['topology', 'unavailable', /looked for "\/sys\/devices\/system\/cpu\/online"/, {}],
    ['cgroupLimits', 'unavailable', /CPU quota unknown: no cpu cgroup/, {}],
    ['raisePriority', 'available', /CAP_SYS_NICE/, all],
    ['raisePriority', 'unprivileged', /RLIMIT_NICE in .* is 0/, { ...none, ...priorities('0') }],
    ['raisePriority', 'available', /RLIMIT_NICE in .* is 30/, { ...none, ...priorities('30') }],
    ['realtimeScheduling', 'available', /CAP_SYS_NICE/, all],
    ['realtimeScheduling', 'unprivileged', /RLIMIT_RTPRIO in .* is 0/, { ...none, ...priorities('0') }],
  ])('%s is %s: %s', async (name, status, reason, files) => {
    const found = await one(name, files);
    const withheld = THROUGH_ADDON.has(name) || files === ADVISED;
    if (!native && status !== 'unavailable' && withheld) {
      expect(found).toMatchObject({ status: 'unavailable' });
      expect(found?.reason).toMatch(reason);
      expect(found?.reason).toContain(loadNative().reason);
    } else expect(found).toEqual({ name, status, reason: expect.stringMatching(reason) });
  });
});
