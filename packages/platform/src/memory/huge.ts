/**
 * Huge pages under a range: advice to use them or not (read back from VmFlags in /proc/self/smaps), and collapsing what is there into them at once
 * (read back by counting). The kernel has no call that takes back advice given for the first time, so what can be known before is looked at before.
 */
import type { Answer, Refused } from '../answer.ts';
import { differs, errnoName, refused, unsupported, verified } from '../answer.ts';
import { MemoryRangeError, PlatformOptionError } from '../errors.ts';
import { readHugeBytes } from './huge-bytes.ts';
import { readHugeSetting } from './huge-setting.ts';
import type { HugeSetting } from './huge-setting.ts';
import type { MemoryMachine } from './machine.ts';
import { allHave, readMappings } from './map.ts';
import type { MemoryRange } from './range.ts';
import { alignedInside, onRange, part, persist } from './range.ts';
import { shown } from '../shown.ts';

/**
 * `advise`: pages touched from now on may be huge, and the kernel may collapse those there later. `never`: no more huge pages than there are.
 * `collapse`: now, absent pages filled with zeros (Linux 6.1).
 */
export type HugePagesMode = 'advise' | 'never' | 'collapse';

export interface HugePages {
  readonly mode: HugePagesMode;
  /** How much of the range is in huge pages now. `null`: the kernel does not tell (before 6.7, for a part of a mapping). */
  readonly hugeBytes: number | null;
  /** The size of a huge page here. */
  readonly hugePageBytes: number;
}

const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;
const MADV_COLLAPSE = 25;
const NO_SMAPS = 'advice on huge pages is read back from /proc/self/smaps, which cannot be read';

export function setHugePages(
  machine: MemoryMachine,
  view: ArrayBufferView,
  mode: HugePagesMode,
): Answer<HugePages> {
  if (mode !== 'advise' && mode !== 'never' && mode !== 'collapse')
    throw new PlatformOptionError('mode', `${shown(mode)} is not one of advise, never, collapse`);
  return onRange(machine, view, (range) => {
    const setting = readHugeSetting(machine);
    if (setting === undefined)
      return unsupported(
        '/sys/kernel/mm/transparent_hugepage/enabled cannot be read: this kernel is built without transparent huge pages, or /sys is not to be had here',
      );
    if (mode === 'collapse') return collapse(machine, range, setting);
    if (readMappings(machine, range, 'smaps') === undefined) return unsupported(NO_SMAPS);
    if (mode === 'advise') {
      const obstacle = adviseObstacle(range, setting);
      if (obstacle !== undefined) return obstacle;
    }
    return advise(machine, range, mode, setting);
  });
}

/** What makes the advice pointless. It throws for a range in which no page fits that may be huge. */
function adviseObstacle(range: MemoryRange, setting: HugeSetting): Refused | undefined {
  if (setting.disabled !== undefined) return differs(setting.disabled);
  const [smallest] = setting.advisedBytes;
  if (smallest === undefined)
    return differs(
      `huge pages are off: ${setting.shown}; needs madvise or always, and the range was left as it is`,
    );
  if (alignedInside(range, smallest).lengthBytes === 0) throw tooSmall(range, smallest);
  return undefined;
}

function advise(
  machine: MemoryMachine,
  range: MemoryRange,
  mode: 'advise' | 'never',
  { hugePageBytes, shown: setting }: HugeSetting,
): Answer<HugePages> {
  const [number, name, flag] =
    mode === 'advise'
      ? ([MADV_HUGEPAGE, 'MADV_HUGEPAGE', 'hg'] as const)
      : ([MADV_NOHUGEPAGE, 'MADV_NOHUGEPAGE', 'nh'] as const);
  const call = range.shown('madvise', name);
  const result = persist(() => range.addon.memoryAdvise(...range.whole, number));
  if (result < 0)
    return refused(
      call,
      result,
      errnoName(-result) === 'ENOMEM'
        ? 'a part of the range may have the advice: it can be replaced, not taken back'
        : undefined,
    );
  const after = readMappings(machine, range, 'smaps');
  if (after === undefined)
    return unsupported(`${call} succeeded and may be in force, but ${NO_SMAPS} any more`);
  if (!allHave(after, flag))
    return differs(
      `${call} succeeded, but /proc/self/smaps does not show it for all of the range (VmFlags: ${flag})`,
    );
  // Since Linux 5.0; the last word on whether there can be any.
  const eligible = after.some(({ sizesBytes }) => sizesBytes.get('THPeligible') !== 0);
  if (mode === 'advise' && !eligible)
    return differs(
      `${call} succeeded, but /proc/self/smaps says that no huge page will come (THPeligible: 0): ${setting}; the advice stays, and does nothing`,
    );
  return verified({ mode, hugeBytes: readHugeBytes(machine, range, after).bytes, hugePageBytes });
}

function collapse(
  machine: MemoryMachine,
  range: MemoryRange,
  { hugePageBytes, disabled }: HugeSetting,
): Answer<HugePages> {
  const inside = alignedInside(range, hugePageBytes);
  if (inside.lengthBytes === 0) throw tooSmall(range, hugePageBytes);
  const call = range.shown('madvise', 'MADV_COLLAPSE');
  const blocks = part(range, inside.offsetBytes, inside.lengthBytes);
  const result = persist(() => range.addon.memoryAdvise(...blocks, MADV_COLLAPSE));
  // Of the blocks only: what lies before and after them may be part of other huge pages.
  const huge = readHugeBytes(machine, {
    ...range,
    address: range.address + inside.offsetBytes,
    lengthBytes: inside.lengthBytes,
    pages: inside.lengthBytes / range.pageBytes,
    whole: blocks,
  });
  const found =
    huge.bytes === null
      ? huge.reason
      : `${huge.bytes} of ${inside.lengthBytes} bytes that can be are huge now`;
  if (result < 0 && errnoName(-result) === 'EINVAL' && before(machine.release, 6, 1))
    return unsupported(`${call} answered EINVAL: needs Linux 6.1, this is ${machine.release}`);
  if (result < 0) return refused(call, result, `${found}; ${collapseHint(range, result, disabled)}`);
  if (huge.bytes === null) return unsupported(`${call} succeeded, but cannot be read back: ${huge.reason}`);
  if (huge.bytes < inside.lengthBytes) return differs(`${call} succeeded, but ${found}`);
  return verified({ mode: 'collapse', hugeBytes: readHugeBytes(machine, range).bytes, hugePageBytes });
}

function collapseHint(range: MemoryRange, result: number, disabled: string | undefined): string {
  const errno = errnoName(-result);
  const resident = range.addon.memoryResidentPages(...range.whole);
  if (errno === 'EINVAL' && disabled !== undefined) return disabled;
  if (errno === 'EINVAL')
    return `a block without any page cannot be collapsed (${resident} of ${range.pages} pages are there: prefaultMemory first), nor one with the advice never`;
  if (errno === 'ENOMEM') return 'no free huge page was found, or the memory cgroup has no room';
  if (errno === 'EAGAIN' || errno === 'EBUSY') return 'pages were pinned, or busy';
  return 'a seccomp filter or a security module forbids it';
}

function tooSmall(range: MemoryRange, blockBytes: number): MemoryRangeError {
  const bytes = range.whole[0];
  return new MemoryRangeError(
    { offsetBytes: bytes.byteOffset, lengthBytes: range.lengthBytes, pageBytes: range.pageBytes },
    `no aligned block of ${blockBytes} bytes lies in it, the smallest huge page here; alignedRange(buffer, { alignBytes: ${blockBytes} }) gives one`,
  );
}

function before(release: string, major: number, minor: number): boolean {
  const match = /^([0-9]{1,4})\.([0-9]{1,4})/.exec(release);
  if (match === null) return false;
  const [hasMajor, hasMinor] = [Number(match[1]), Number(match[2])];
  return hasMajor < major || (hasMajor === major && hasMinor < minor);
}
