/** What the kernel grants to this process, by its files. */
import type { Verdict } from './capability.ts';
import { available, unavailable, unprivileged } from './capability.ts';
import { throughAddon } from './native-capabilities.ts';
import { hasCapability, readResourceLimit, readStatus } from '../limits/process-limits.ts';
import type { Sysfs } from '../machine/sysfs.ts';

const THP = '/sys/kernel/mm/transparent_hugepage/enabled';
const HUGE_PAGES = '/sys/kernel/mm/hugepages';
const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
const IO_URING = '/proc/sys/kernel/io_uring_disabled';
const IO_URING_SINCE: readonly [number, number] = [5, 1];
const RELEASE = '/proc/sys/kernel/osrelease';

export function transparentHugePages(sysfs: Sysfs): Verdict {
  const text = sysfs.text(THP);
  const mode = /\[(\w+)\]/.exec(text ?? '')?.[1];
  if (mode === undefined) return unavailable(`${THP} ${found(text)}; needs [always]`);
  if (mode === 'always') return available(`${THP} is "${text}"`);
  if (mode === 'madvise')
    return throughAddon(available(`${THP} is "${text}": for memory that was advised (MADV_HUGEPAGE)`));
  return unavailable(`${THP} is "${text}"; needs [always]`);
}

export function reservedHugePages(sysfs: Sysfs): Verdict {
  const pools = sysfs
    .names(HUGE_PAGES)
    .filter((name) => /^hugepages-[0-9]+kB$/.test(name))
    .map((name) => ({ path: `${HUGE_PAGES}/${name}/nr_hugepages`, size: name.slice('hugepages-'.length) }))
    .map(({ path, size }) => ({ path, size, count: sysfs.natural(path) ?? 0 }));
  if (pools.length === 0) return unavailable(`no pools in ${HUGE_PAGES}`);
  const shown = pools.map(({ path, count }) => `${path} is ${count}`).join(', ');
  return pools.some(({ count }) => count > 0)
    ? unavailable(
        `${shown}; the kernel maps them only into memory that asks for them when it is made, which Node's does not`,
      )
    : unavailable(`${shown}; needs at least 1 in one of them`);
}

export function memoryLocking(sysfs: Sysfs): Verdict {
  const { value, source, reason } = readResourceLimit(sysfs, 'Max locked memory');
  if (hasCapability(sysfs, 'IPC_LOCK'))
    return available(`CAP_IPC_LOCK in /proc/self/status: no limit, whatever RLIMIT_MEMLOCK says`);
  if (value === null) return unavailable(reason ?? '');
  const limit = `RLIMIT_MEMLOCK in ${source} is ${value.soft} bytes (hard ${value.hard})`;
  if (value.soft === 'unlimited') return available(limit);
  return unprivileged(`${limit}; more needs CAP_IPC_LOCK or a higher limit`);
}

export function perfEvents(sysfs: Sysfs): Verdict {
  const level = sysfs.integer(PARANOID);
  if (level === undefined)
    return unavailable(
      `${PARANOID} ${found(sysfs.text(PARANOID))}: no perf events in this kernel, or no /proc`,
    );
  const is = `${PARANOID} is ${level}`;
  // CAP_SYS_ADMIN stood for it before Linux 5.8.
  if (hasCapability(sysfs, 'PERFMON') || hasCapability(sysfs, 'SYS_ADMIN'))
    return available(`${is}, and CAP_PERFMON or CAP_SYS_ADMIN in /proc/self/status overrides it`);
  if (level <= 1) return available(`${is}: own threads, kernel included`);
  if (level === 2)
    return unprivileged(`${is}: own threads in user space only; the kernel's share needs 1 or CAP_PERFMON`);
  return unprivileged(`${is}: nothing without CAP_PERFMON; needs 2 or less`);
}

/** By version and settings: only a system call can tell for certain, and a seccomp filter is no file. */
export function ioUring(sysfs: Sysfs): Verdict {
  const release = sysfs.text(RELEASE);
  const match = /^([0-9]{1,4})\.([0-9]{1,4})/.exec(release ?? '');
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  const [needMajor, needMinor] = IO_URING_SINCE;
  const need = `needs Linux ${needMajor}.${needMinor}`;
  if (match === null) return unavailable(`${RELEASE} ${found(release)}; ${need}`);
  if (major < needMajor || (major === needMajor && minor < needMinor))
    return unavailable(`${RELEASE} is ${release}; ${need}`);
  const disabled = sysfs.integer(IO_URING);
  const is = `Linux ${release}, ${IO_URING} ${disabled === undefined ? 'is not there (before 6.6 it is not)' : `is ${disabled}`}`;
  if (disabled !== undefined && disabled >= 2) return unavailable(`${is}: off for all; needs 0`);
  if (disabled === 1 && !hasCapability(sysfs, 'SYS_ADMIN'))
    return unprivileged(
      `${is}: only for CAP_SYS_ADMIN and members of /proc/sys/kernel/io_uring_group; needs 0`,
    );
  if (readStatus(sysfs, 'Seccomp') === '2')
    return unprivileged(
      `${is}, but a seccomp filter is active (Seccomp: 2 in /proc/self/status) and may forbid it; not tried`,
    );
  return available(is);
}

function found(text: string | undefined): string {
  return text === undefined ? 'is not there' : `is ${JSON.stringify(text.slice(0, 80))}`;
}
