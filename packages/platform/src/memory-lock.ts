/**
 * Keeping the pages of a range in memory (mlock), and letting go. Read back from VmFlags in /proc/self/smaps, and mincore for the pages.
 * mlock does not count: unlocking a page once undoes any number of locks.
 */
import type { Answer, Refused, Unsupported } from './answer.ts';
import { differs, errnoName, refused, unsupported, verified } from './answer.ts';
import type { MemoryMachine } from './memory-machine.ts';
import type { Mapping } from './memory-map.ts';
import { allHave, readMappings, sameFlags, someHave } from './memory-map.ts';
import type { MemoryRange } from './memory-range.ts';
import { onRange, part, persist } from './memory-range.ts';
import { readResourceLimit, readStatus } from './process-limits.ts';
import type { Bound } from './reading.ts';
import { Sysfs } from './sysfs.ts';

export interface MemoryLock {
  readonly lockedBytes: number;
  /** Of the whole process, this range included (VmLck). */
  readonly processLockedBytes: number;
  /** RLIMIT_MEMLOCK, in force unless the process has CAP_IPC_LOCK. `null`: not known. */
  readonly limitBytes: Bound | null;
}

const LOCKED = 'lo';
const NO_SMAPS = 'what is locked is read back from /proc/self/smaps, which cannot be read';

export function lock(machine: MemoryMachine, view: ArrayBufferView): Answer<MemoryLock> {
  return onRange(machine, view, (range) => {
    const lockedBefore = processLockedBytes(machine);
    if (lockedBefore === undefined)
      return unsupported('how much is locked is VmLck in /proc/self/status, which cannot be read');
    // Needed only to undo. With nothing locked in the process there is nothing to keep.
    const before = lockedBefore === 0 ? unlocked(range) : readMappings(machine, range, 'smaps');
    if (before === undefined) return unsupported(NO_SMAPS);
    const fail = (answer: Refused | Unsupported): Refused | Unsupported =>
      undo(machine, range, before, answer);

    const result = persist(() => range.addon.memoryLock(...range.whole));
    if (result < 0)
      return fail(refused(range.shown('mlock'), result, lockHint(machine, range, result, lockedBefore)));
    const after = readMappings(machine, range, 'smaps');
    if (after === undefined) return fail(unsupported(NO_SMAPS));
    if (!allHave(after, LOCKED))
      return fail(
        differs(
          `${range.shown('mlock')} succeeded, but /proc/self/smaps does not show all of it locked (VmFlags: lo)`,
        ),
      );
    const resident = range.addon.memoryResidentPages(...range.whole);
    if (resident !== range.pages)
      return fail(
        differs(`${range.shown('mlock')} succeeded, but ${resident} of ${range.pages} pages are there`),
      );
    return verified({
      lockedBytes: range.lengthBytes,
      processLockedBytes: processLockedBytes(machine) ?? range.lengthBytes,
      limitBytes: limit(machine)?.soft ?? null,
    });
  });
}

export function unlock(machine: MemoryMachine, view: ArrayBufferView): Answer<MemoryLock> {
  return onRange(machine, view, (range) => {
    const result = persist(() => range.addon.memoryUnlock(...range.whole));
    if (result < 0) return refused(range.shown('munlock'), result);
    const after = readMappings(machine, range, 'smaps');
    const locked = processLockedBytes(machine);
    if (after === undefined || locked === undefined) return unsupported(NO_SMAPS);
    if (someHave(after, LOCKED))
      return differs(
        `${range.shown('munlock')} succeeded, but /proc/self/smaps shows some of it locked (VmFlags: lo): another thread, or mlockall`,
      );
    return verified({
      lockedBytes: 0,
      processLockedBytes: locked,
      limitBytes: limit(machine)?.soft ?? null,
    });
  });
}

/** The parts of the range that are locked, `undefined` where that cannot be read. Cheap where the process has locked nothing. */
export function lockedParts(machine: MemoryMachine, range: MemoryRange): Mapping[] | undefined {
  if (processLockedBytes(machine) === 0) return [];
  return readMappings(machine, range, 'smaps')?.filter(({ flags }) => flags.has(LOCKED));
}

/** mlock may have got half of the way. What was locked before stays locked. */
function undo(
  machine: MemoryMachine,
  range: MemoryRange,
  before: readonly Mapping[],
  answer: Refused | Unsupported,
): Refused | Unsupported {
  for (const { flags, offsetBytes, lengthBytes } of before)
    if (!flags.has(LOCKED)) persist(() => range.addon.memoryUnlock(...part(range, offsetBytes, lengthBytes)));
  if (sameFlags(before, readMappings(machine, range, 'smaps'), [LOCKED])) return answer;
  return { ...answer, reason: `${answer.reason}; what was locked of it could not be unlocked` };
}

/** What smaps shows of a range of which nothing is locked, as far as matters here. */
function unlocked(range: MemoryRange): Mapping[] {
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
