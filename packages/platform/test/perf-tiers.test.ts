import { expect, it } from 'vitest';
import { PERF_OPEN } from '../src/perf/native-perf.ts';
import type { PerfEventName } from '../src/perf/event-table.ts';
import { PerfEvents } from '../src/perf/events.ts';
import type { PerfMachine } from '../src/perf/machine.ts';
import type { PerfEventsOptions } from '../src/perf/options.ts';
import { E, FakeKernel } from './perf-kernel.ts';

const HARDWARE = [
  'cycles',
  'instructions',
  'cacheReferences',
  'cacheMisses',
  'branches',
  'branchMisses',
] as const;

function open<N extends PerfEventName>(machine: PerfMachine, options: PerfEventsOptions<N>): PerfEvents<N> {
  const answer = PerfEvents.open(options, machine);
  if (answer.status !== 'verified') throw new Error(answer.reason);
  return answer.value;
}

it('reads the processor without a system call where the page can be read', () => {
  const kernel = new FakeKernel();
  using events = open(kernel.machine(), { events: HARDWARE });
  expect(events.tiers).toMatchObject({ cycles: 'rdpmc', branchMisses: 'rdpmc' });
  kernel.run(500);
  const before = kernel.reads;
  expect(events.read().cycles).toMatchObject({ value: 500, tier: 'rdpmc', scaled: false });
  expect(kernel.reads).toBe(before);
});

it('reads the group for once where an event is off the processor, and the page again afterwards', () => {
  const kernel = new FakeKernel();
  using events = open(kernel.machine(), { events: ['cycles'] });
  kernel.parked = true;
  expect(events.read().cycles).toMatchObject({ tier: 'group' });
  kernel.parked = false;
  expect(events.read().cycles).toMatchObject({ tier: 'rdpmc' });
});

it('never tries the page again where it cannot be read', () => {
  const kernel = new FakeKernel({ rdpmc: false });
  using events = open(kernel.machine(), { events: ['cycles'] });
  expect(events.tiers.cycles).toBe('group');
  expect(events.read().cycles.reason).toContain('not in user space');
  const tried = kernel.pageReads;
  events.read();
  expect(kernel.pageReads).toBe(tried);
});

it('asks arm64 for user access, of 64 bits where it has them', () => {
  const narrow = new FakeKernel({ arch: 'arm64' });
  using a = open(narrow.machine(), { events: ['cycles', 'instructions'] });
  expect(a.tiers).toEqual({ cycles: 'rdpmc', instructions: 'rdpmc' });
  expect([...narrow.events.values()].map(({ config1 }) => config1)).toEqual([3, 2]);

  const wide = new FakeKernel({ arch: 'arm64', long: true });
  using b = open(wide.machine(), { events: ['cycles', 'instructions'] });
  expect(b.tiers.instructions).toBe('rdpmc');
  expect([...wide.events.values()].map(({ config1 }) => config1)).toEqual([3, 3]);
});

it('splits a group that does not fit the processor, and loses no event', () => {
  const kernel = new FakeKernel({ counters: 4 });
  using events = open(kernel.machine(), { events: HARDWARE });
  const groups = [...kernel.events.values()].filter(({ members }) => members.length > 0);
  expect(groups.map(({ members }) => members.length)).toEqual([4, 2]);
  kernel.run(100, 50);
  for (const name of HARDWARE) expect(events.read()[name]).toMatchObject({ value: 67, scaled: true });
});

it('opens each event alone where the kernel accepts a group and never runs it', () => {
  const kernel = new FakeKernel({ counters: 4, held: 1 });
  using events = open(kernel.machine(), { events: ['cycles', 'instructions', 'branches', 'branchMisses'] });
  expect([...kernel.events.values()].every(({ members }) => members.length === 1)).toBe(true);
  kernel.run(100);
  expect(events.read().branches.value).toBe(100);
});

it('scales by the time that an event ran, and says so', () => {
  const kernel = new FakeKernel();
  using events = open(kernel.machine(), { events: ['cycles'] });
  kernel.run(900, 150); // of 1000 ns enabled, 250 running
  expect(events.read().cycles).toMatchObject({ value: 600, scaled: true });
});

it('does not know an event that never ran, for which 0 would be a lie', () => {
  const kernel = new FakeKernel({ counters: 1, held: 1 });
  using events = open(kernel.machine(), { events: ['cycles'] });
  const { cycles } = events.read();
  expect(cycles).toMatchObject({ value: null, scaled: true });
  expect(cycles.reason).toContain('never had a counter free');
});

it('never goes back, though an estimate may', () => {
  const kernel = new FakeKernel();
  using events = open(kernel.machine(), { events: ['cycles'] });
  kernel.run(900, 100, 10); // 1000 in 200 of 1000 ns
  expect(events.read().cycles.value).toBe(5000);
  kernel.run(100, 100, 0); // 1000 in 300 of 1100 ns would be 3667
  expect(events.read().cycles.value).toBe(5000);
});

it('leaves the kernel out where it may not be counted, and then not what happens there', () => {
  const kernel = new FakeKernel({ userOnly: true });
  using events = open(kernel.machine(), { events: ['cycles', 'pageFaults', 'contextSwitches'] });
  expect(events.tiers).toEqual({ cycles: 'rdpmc', pageFaults: 'software', contextSwitches: null });
  const reading = events.read();
  expect(reading.cycles.reason).toContain('user space only');
  expect(reading.contextSwitches.value).toBeNull();
  expect(reading.contextSwitches.reason).toContain('would read 0');
  expect(kernel.log.filter(({ config, result }) => config === 3 && result > 0)).toEqual([]);
});

it('counts with the kernel or not at all where that was asked', () => {
  const kernel = new FakeKernel({ userOnly: true });
  using events = open(kernel.machine(), { events: ['cycles'], excludeKernel: false });
  expect(events.tiers.cycles).toBeNull();
  expect(events.read().cycles.reason).toContain('EACCES');
  expect(kernel.events.size).toBe(0);
});

it.each([
  ['EPERM', E.EPERM, 'security module'],
  ['EACCES', E.EACCES, 'perf_event_paranoid'],
  ['ENOSYS', E.ENOSYS, 'without perf events'],
])('says what stands in the way of everything: %s', (name, refuse, why) => {
  const kernel = new FakeKernel({ refuse });
  using events = open(kernel.machine(), { events: ['cycles', 'pageFaults'] });
  expect(events.tiers).toEqual({ cycles: null, pageFaults: null });
  expect(events.read().cycles.reason).toMatch(new RegExp(`${name}.*${why}`));
});

it('counts what it has files for, and says of the rest that they ran out', () => {
  const kernel = new FakeKernel({ files: 2 });
  using events = open(kernel.machine(), { events: ['cycles', 'instructions', 'branches'] });
  const { cycles, instructions, branches } = events.read();
  expect([cycles.tier, instructions.tier, branches.tier]).toEqual(['rdpmc', 'rdpmc', null]);
  expect(branches.reason).toMatch(/EMFILE.*RLIMIT_NOFILE/);
});

it('counts every thread of a process, with threads to come and without child processes', () => {
  const kernel = new FakeKernel({ threads: [100, 101, 102] });
  using events = open(kernel.machine(), { target: 'process', events: ['cycles', 'pageFaults'] });
  const opened = [...kernel.events.values()];
  expect(opened.map(({ tid }) => tid)).toEqual([0, 101, 102, 0, 101, 102]);
  expect(opened.every(({ flags }) => flags === PERF_OPEN.inheritThread)).toBe(true);
  kernel.run(10);
  expect(events.read().pageFaults).toMatchObject({ value: 30, tier: 'software' });
  expect(events.read().cycles).toMatchObject({ value: 30, tier: 'group' });
});

it('counts child processes too on kernels that cannot leave them out, and says so', () => {
  const kernel = new FakeKernel({ threads: [100, 101], inheritThread: false });
  using events = open(kernel.machine(), { target: 'process', events: ['pageFaults'] });
  expect([...kernel.events.values()].every(({ flags }) => flags === PERF_OPEN.inherit)).toBe(true);
  expect(events.read().pageFaults.reason).toContain('child processes count too');
});

it('opens again where a thread began meanwhile, so that none is counted twice', () => {
  let listings = 0;
  const kernel = new FakeKernel({
    threads: [100, 101],
    onListing: (k) => {
      if (++listings === 2) k.threads = [...k.threads, 102];
    },
  });
  using events = open(kernel.machine(), { target: 'process', events: ['pageFaults'] });
  expect([...kernel.events.values()].map(({ tid }) => tid)).toEqual([0, 101, 102]);
  expect(events.tiers.pageFaults).toBe('software');
});

it('does not pretend where threads begin all the time', () => {
  const kernel = new FakeKernel({ onListing: (k) => (k.threads = [...k.threads, k.threads.length + 100]) });
  using events = open(kernel.machine(), { target: 'process', events: ['cpuMigrations'] });
  expect(events.read().cpuMigrations).toMatchObject({ value: null, tier: null });
  expect(events.read().cpuMigrations.reason).toContain('threads began');
  expect(kernel.events.size).toBe(0);
});

it('does not give a part of the threads for the process where files run out', () => {
  const kernel = new FakeKernel({ threads: [100, 101, 102], files: 4 });
  using events = open(kernel.machine(), { target: 'process', events: ['cycles', 'instructions'] });
  expect(events.tiers).toEqual({ cycles: null, instructions: null });
  expect(kernel.events.size).toBe(0);
});

it('leaves out a thread that ended before its turn', () => {
  const kernel = new FakeKernel({ threads: [100, 101] });
  const machine = kernel.machine({ threadIds: () => [100, 101, 999] });
  using events = open(machine, { target: 'process', events: ['pageFaults'] });
  expect(events.tiers.pageFaults).toBe('software');
  expect(kernel.events.size).toBe(2);
});

it('does not take a thread id that went to somebody else meanwhile', () => {
  const kernel = new FakeKernel({ threads: [100, 101] });
  let listings = 0;
  const machine = kernel.machine({ threadIds: () => (listings++ === 0 ? [100, 101] : [100]) });
  expect(PerfEvents.open({ target: { tid: 101 } }, machine)).toMatchObject({
    status: 'refused',
    errno: 'ESRCH',
  });
  expect(kernel.events.size).toBe(0);
});

it('closes every event that it opened, once', () => {
  const kernel = new FakeKernel({ threads: [100, 101], counters: 2 });
  for (const target of ['thread', 'process', { tid: 101 }] as const) {
    const events = open(kernel.machine(), { target });
    expect(kernel.events.size).toBeGreaterThan(0);
    events.close();
    events.close();
    expect(kernel.events.size).toBe(0);
  }
});

it('has on other systems what Node tells, and no more', () => {
  const elsewhere = {
    native: null,
    nativeReason: 'there is no addon for it',
    threadIds: (): undefined => undefined,
    ownTid: undefined,
    threadCpuUs: (): number => 7,
  };
  for (const [platform, faults] of [
    ['darwin', 'procfs'],
    ['win32', null],
  ] as const) {
    const machine = { ...new FakeKernel().machine(), ...elsewhere, platform };
    using process = open(machine, { target: 'process' });
    expect(process.tiers).toMatchObject({
      cycles: null,
      cpuMigrations: null,
      pageFaults: faults,
      taskClock: 'procfs',
    });
    using thread = open(machine, {});
    expect(thread.tiers).toMatchObject({ pageFaults: null, taskClock: 'procfs' });
    expect(thread.read().pageFaults.reason).toContain(platform);
    expect(PerfEvents.open({ target: { tid: 5 } }, machine)).toMatchObject({ status: 'unsupported' });
  }
});
