/**
 * Keeping the pages of a range in memory (mlock), and letting go. Read back from VmFlags in /proc/self/smaps, and mincore for the pages.
 * mlock does not count: unlocking a page once undoes any number of locks.
 */
import type { Answer, Refused, Unsupported } from '../answer.ts';
import { differs, errnoName, refused, unsupported, verified } from '../answer.ts';
import type { MemoryMachine } from './machine.ts';
import type { Mapping } from './map.ts';
import { allHave, readMappings, sameFlags, someHave } from './map.ts';
import type { MemoryRange } from './range.ts';
import { onRange, part, persist } from './range.ts';
import { readResourceLimit, readStatus } from '../limits/process-limits.ts';
import type { Bound } from '../limits/reading.ts';
import { Sysfs } from '../machine/sysfs.ts';

export interface MemoryLock {
  readonly lockedBytes: number;
  /** Of the whole process, this range included (VmLck). */
  readonly processLockedBytes: number;
  /** RLIMIT_MEMLOCK, in force unless the process has CAP_IPC_LOCK. `null`: not known. */
  readonly limitBytes: Bound | null;
}

/** VmFlags of a mapping that is locked. */
export const LOCKED = 'lo';
const UNREADABLE = 'what is locked is read from /proc/self/smaps and /proc/self/status, which cannot be read';

export function lock(machine: MemoryMachine, view: ArrayBufferView): Answer<MemoryLock> {
  return onRange(machine, view, (range) => {
    const lockedBytes = processLockedBytes(machine);
    const before = readLocks(machine, range);
    if (lockedBytes === undefined || before === undefined) return unsupported(UNREADABLE);
    const fail = (answer: Refused | Unsupported): Refused | Unsupported =>
      putBack(machine, range, before, answer);

    const call = range.shown('mlock');
    const result = persist(() => range.addon.memoryLock(...range.whole));
    if (result < 0) return fail(refused(call, result, lockHint(machine, range, result, lockedBytes)));
    const after = readMappings(machine, range, 'smaps');
    if (after === undefined) return fail(unsupported(UNREADABLE));
    if (!allHave(after, LOCKED))
      return fail(
        differs(`${call} succeeded, but /proc/self/smaps does not show all of it locked (VmFlags: lo)`),
      );
    const resident = range.addon.memoryResidentPages(...range.whole);
    if (resident !== range.pages)
      return fail(differs(`${call} succeeded, but ${resident} of ${range.pages} pages are there`));
    return verified(lockOf(machine, range.lengthBytes));
  });
}

export function unlock(machine: MemoryMachine, view: ArrayBufferView): Answer<MemoryLock> {
  return onRange(machine, view, (range) => {
    const before = readLocks(machine, range);
    if (before === undefined) return unsupported(UNREADABLE);
    const call = range.shown('munlock');
    const result = persist(() => range.addon.memoryUnlock(...range.whole));
    if (result < 0) return putBack(machine, range, before, refused(call, result));
    const after = readLocks(machine, range);
    if (after === undefined) return putBack(machine, range, before, unsupported(UNREADABLE));
    if (!someHave(after, LOCKED)) return verified(lockOf(machine, 0));
    return putBack(
      machine,
      range,
      before,
      differs(`${call} succeeded, but /proc/self/smaps shows some of it locked (VmFlags: lo)`),
    );
  });
}

function lockOf(machine: MemoryMachine, lockedBytes: number): MemoryLock {
  return {
    lockedBytes,
    processLockedBytes: processLockedBytes(machine) ?? lockedBytes,
    limitBytes: limit(machine)?.soft ?? null,
  };
}

/** Which parts are locked. Cheap where the process has locked nothing. */
export function readLocks(machine: MemoryMachine, range: MemoryRange): Mapping[] | undefined {
  if (processLockedBytes(machine) !== 0) return readMappings(machine, range, 'smaps');
  const { lengthBytes } = range;
  return [
    {
      offsetBytes: 0,
      lengthBytes,
      mappingBytes: lengthBytes,
      privateAnonymous: true,
      flags: new Set(),
      sizesBytes: new Map(),
    },
  ];
}

/** The kernel may have got half of the way. */
function putBack(
  machine: MemoryMachine,
  range: MemoryRange,
  before: readonly Mapping[],
  answer: Refused | Unsupported,
): Refused | Unsupported {
  for (const { flags, offsetBytes, lengthBytes } of before) {
    const where = part(range, offsetBytes, lengthBytes);
    persist(() =>
      flags.has(LOCKED) ? range.addon.memoryLock(...where) : range.addon.memoryUnlock(...where),
    );
  }
  const after = readLocks(machine, range);
  if (after !== undefined && sameFlags(before, after, [LOCKED])) return answer;
  return { ...answer, reason: `${answer.reason}; the locks from before could not be put back` };
}

function lockHint(
  machine: MemoryMachine,
  range: MemoryRange,
  result: number,
  lockedBytes: number,
): string | undefined {
  const errno = errnoName(-result);
  if (errno !== 'ENOMEM' && errno !== 'EPERM') return undefined;
  const bound = limit(machine);
  if (bound === undefined) return 'needs CAP_IPC_LOCK or a higher RLIMIT_MEMLOCK';
  const needed = lockedBytes + range.lengthBytes;
  if (bound.soft === 'unlimited' || needed <= bound.soft)
    return `RLIMIT_MEMLOCK of ${bound.soft} allows it (${range.lengthBytes} bytes were asked for, ${lockedBytes} are locked already): there is not memory enough, or there would be too many mappings (/proc/sys/vm/max_map_count)`;
  return `${range.lengthBytes} bytes were asked for, ${lockedBytes} are locked already, RLIMIT_MEMLOCK is ${bound.soft} (hard ${bound.hard}); needs CAP_IPC_LOCK, or a limit of ${needed}`;
}

function limit(machine: MemoryMachine): { readonly soft: Bound; readonly hard: Bound } | undefined {
  return readResourceLimit(new Sysfs(machine.files), 'Max locked memory').value ?? undefined;
}

function processLockedBytes(machine: MemoryMachine): number | undefined {
  const text = readStatus(new Sysfs(machine.files), 'VmLck');
  const match = /^([0-9]{1,15}) kB$/.exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * 1024;
}
