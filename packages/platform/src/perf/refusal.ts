/** Why the kernel refused to count, in words: what it said, what was found, what would be needed. */
import { errnoName, refused } from '../answer.ts';
import type { PerfEventInfo } from './event-table.ts';
import type { PerfMachine } from './machine.ts';

const PARANOID = '/proc/sys/kernel/perf_event_paranoid';

/** @param result what the native function answered: -errno */
export function perfRefusal(
  machine: PerfMachine,
  event: PerfEventInfo,
  whose: string,
  result: number,
): string {
  return refused(`perf_event_open(${event.constant}, ${whose})`, result, hint(machine, result)).reason;
}

function hint(machine: PerfMachine, result: number): string {
  switch (errnoName(-result)) {
    case 'EACCES':
      return `kernel.perf_event_paranoid is ${machine.readText(PARANOID) ?? 'unreadable'}; needs CAP_PERFMON, or 2 or less for user space, 1 or less with the kernel`;
    case 'EPERM':
      return `forbidden by ${filter(machine)}; needs CAP_PERFMON, or that filter to let perf_event_open through`;
    case 'EMFILE':
      return 'this process has as many files open as RLIMIT_NOFILE lets it; each event of each counted thread takes one';
    case 'ENFILE':
      return 'the system has as many files open as fs.file-max lets it';
    case 'ENOENT':
    case 'ENODEV':
    case 'EOPNOTSUPP':
      return 'this machine, or the hypervisor above it, has no such counter';
    case 'EINVAL':
      return 'this kernel or processor does not know the event, or not in this form';
    case 'ENOSYS':
      return 'this kernel is built without perf events, or a seccomp filter hides them';
    case 'ESRCH':
      return 'no such thread';
    case 'EBUSY':
      return 'somebody has the counters to himself';
    default:
      return 'it cannot be counted here';
  }
}

function filter(machine: PerfMachine): string {
  const seccomp = /^Seccomp:\s*(\d)/m.exec(machine.readText('/proc/self/status') ?? '')?.[1];
  return seccomp === '2' ? 'a seccomp filter (Seccomp: 2 in /proc/self/status)' : 'a security module';
}
