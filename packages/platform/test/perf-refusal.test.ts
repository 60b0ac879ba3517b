import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { PerfEvents, type PerfReading } from '../src/index.ts';
import { inChild } from './child.ts';
import { compileProgram } from './compiled.ts';
import { linux } from './machine-facts.ts';
import { native } from './native-mode.ts';

// Each starts a process, which takes seconds where others load the machine.
vi.setConfig({ testTimeout: 60_000 });

const seccomp = compileProgram('perf-seccomp.c');
afterAll(() => {
  seccomp?.remove();
});

const EPERM = 1;
const ENOSYS = 38;

/** Opens the events of its own thread, does something that counts, and tells; `before` runs with the addon loaded. */
function counting(options = '{}', before = ''): string {
  return `platform.PerfEvents.open().value?.close();
    ${before}
    const answer = platform.PerfEvents.open(${options});
    if (answer.status !== 'verified') return answer;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 20; i++) Atomics.wait(cell, 0, 0, 1);
    new Uint8Array(new SharedArrayBuffer(8 << 20)).fill(1);
    return answer.value.read();`;
}

function tiers(reading: PerfReading): Record<string, string | null> {
  return Object.fromEntries(Object.entries(reading).map(([name, { tier }]) => [name, tier]));
}

function paranoid(): number {
  return Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
}

/** A container's, which may forbid more than the settings do. */
const isFiltered = linux && /^Seccomp:\s+2$/m.test(readFileSync('/proc/self/status', 'utf8'));

/** At least in user space. */
function mayCount(): boolean {
  const answer = PerfEvents.open({ events: ['pageFaults'] });
  if (answer.status !== 'verified') return false;
  using events = answer.value;
  return events.tiers.pageFaults === 'software';
}

describe.runIf(linux)('a user without privileges', () => {
  it('gets what kernel.perf_event_paranoid leaves him, and the rest from the kernel’s books', async () => {
    const reading = await inChild<PerfReading>(counting(), { unprivileged: true });
    const { contextSwitches, pageFaults, taskClock } = reading;
    expect(contextSwitches.value).toBeGreaterThanOrEqual(20);
    expect(pageFaults.value).toBeGreaterThan(3);
    expect(taskClock.value).toBeGreaterThan(0);
    if (!native) expect(tiers(reading)).toMatchObject({ contextSwitches: 'procfs', pageFaults: 'procfs' });
    else if (isFiltered && pageFaults.tier === 'procfs')
      expect(pageFaults.reason).toMatch(/answered (EPERM|EACCES|ENOSYS)/);
    else if (paranoid() <= 1) expect(tiers(reading)).toMatchObject({ contextSwitches: 'software' });
    else if (paranoid() === 2) {
      expect(tiers(reading)).toMatchObject({ contextSwitches: 'procfs', cpuMigrations: 'procfs' });
      expect(contextSwitches.reason).toMatch(/^from getrusage\(RUSAGE_THREAD\).*would read 0/);
      expect(pageFaults).toMatchObject({ tier: 'software' });
      expect(pageFaults.reason).toContain('user space only');
      expect(taskClock.reason).toContain('its time in the kernel counts');
    } else {
      expect(tiers(reading)).toMatchObject({ pageFaults: 'procfs', taskClock: 'procfs' });
      expect(pageFaults.reason).toMatch(/EACCES: kernel.perf_event_paranoid is \d/);
    }
  });

  it('has the kernel’s share refused where he insists on it, and told', async () => {
    const reading = await inChild<PerfReading>(counting('{ excludeKernel: false }'), { unprivileged: true });
    expect(reading.pageFaults.value).toBeGreaterThan(3);
    if (isFiltered) expect(reading.cycles.reason).toMatch(native ? /answered E/ : /addon/);
    else if (native && paranoid() >= 2) {
      expect(reading.pageFaults.tier).toBe('procfs');
      expect(reading.pageFaults.reason).toMatch(/EACCES: kernel.perf_event_paranoid is \d/);
      expect(reading.cycles.reason).toMatch(/EACCES|ENOENT/);
    }
  });

  it('counts his process', async () => {
    const reading = await inChild<PerfReading>(counting("{ target: 'process' }"), { unprivileged: true });
    expect(reading.contextSwitches.value).toBeGreaterThanOrEqual(20);
    expect(reading.pageFaults.value).toBeGreaterThan(3);
    if (reading.cpuMigrations.tier === null)
      expect(reading.cpuMigrations.reason).toContain('takes its count along');
  });

  it('is refused the threads of others', async () => {
    const answer = await inChild(counting('{ target: { tid: 1 } }'), { unprivileged: true });
    expect(answer).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });
});

describe.runIf(seccomp)('a seccomp filter as containers have it', () => {
  it('that answers EPERM leaves the kernel’s books, and is named', async () => {
    const reading = await inChild<PerfReading>(counting(), {
      wrapper: [seccomp?.file ?? '', String(EPERM)],
    });
    expect(tiers(reading)).toMatchObject({
      cycles: null,
      contextSwitches: 'procfs',
      pageFaults: 'procfs',
      cpuMigrations: 'procfs',
      taskClock: 'procfs',
    });
    expect(reading.contextSwitches.value).toBeGreaterThanOrEqual(20);
    if (native) expect(reading.cycles.reason).toMatch(/EPERM: .*seccomp filter \(Seccomp: 2/);
  });

  it('that hides perf events leaves them too', async () => {
    const reading = await inChild<PerfReading>(counting("{ target: 'process' }"), {
      wrapper: [seccomp?.file ?? '', String(ENOSYS)],
    });
    expect(tiers(reading)).toMatchObject({ pageFaults: 'procfs', taskClock: 'procfs', cpuMigrations: null });
    expect(reading.pageFaults.value).toBeGreaterThan(3);
    if (native) expect(reading.taskClock.reason).toMatch(/getrusage\(RUSAGE_SELF\).*ENOSYS/);
  });
});

describe.runIf(linux)('a process that has as many files open as it may', () => {
  const limit = ['prlimit', '--nofile=64:64'];
  const exhaust = (left: number): string => `
    const { openSync, closeSync } = await import('node:fs');
    const held = [];
    try { for (;;) held.push(openSync('/dev/null')); } catch {}
    for (let i = 0; i < ${left}; i++) closeSync(held.pop());`;

  it('gets what takes no file, and is told of the rest what ran out', async () => {
    const reading = await inChild<PerfReading>(counting('{}', exhaust(0)), { wrapper: limit });
    expect(tiers(reading)).toMatchObject({ cycles: null, cpuMigrations: null, taskClock: 'procfs' });
    expect(reading.cpuMigrations.reason).toContain('EMFILE');
    if (!native) return;
    expect(reading.contextSwitches).toMatchObject({ tier: 'procfs' });
    expect(reading.contextSwitches.value).toBeGreaterThanOrEqual(20);
    // Who may not count at all is told that first.
    expect(reading.pageFaults.reason).toMatch(mayCount() ? /EMFILE: .*RLIMIT_NOFILE/ : /EACCES|EPERM|ENOSYS/);
  });

  it('gets as many events as it has files, and each has a value', async () => {
    const reading = await inChild<PerfReading>(
      counting("{ events: ['pageFaults', 'minorFaults', 'taskClock'] }", exhaust(2)),
      {
        wrapper: limit,
      },
    );
    for (const { value } of Object.values(reading)) expect(value).toBeGreaterThan(0);
    if (native && reading.pageFaults.tier === 'software')
      expect(tiers(reading)).toEqual({
        pageFaults: 'software',
        minorFaults: 'software',
        taskClock: 'procfs',
      });
  });

  it('does not get a part of its threads for the whole', async () => {
    const reading = await inChild<PerfReading>(counting("{ target: 'process' }", exhaust(5)), {
      wrapper: limit,
    });
    expect(tiers(reading)).toMatchObject({ pageFaults: 'procfs', taskClock: 'procfs' });
    expect(reading.contextSwitches.value).toBeGreaterThanOrEqual(20);
    if (mayCount()) expect(reading.pageFaults.reason).toContain('EMFILE');
  });
});
