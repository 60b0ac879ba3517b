/**
 * Giving the pages of a range back (MADV_DONTNEED). The range stays mapped and usable; it reads as zeros. Only for memory that the kernel fills
 * with zeros: on a file or a mapping shared with other processes the old contents would come back.
 */
import type { Answer } from '../answer.ts';
import { differs, refused, unsupported, verified } from '../answer.ts';
import { LOCKED, readLocks } from './lock.ts';
import type { MemoryMachine } from './machine.ts';
import { readMappings } from './map.ts';
import { onRange, part, persist } from './range.ts';

export interface Release {
  readonly pages: number;
  /** Pages that were there before. */
  readonly releasedPages: number;
}

const MADV_DONTNEED = 4;

export function release(machine: MemoryMachine, view: ArrayBufferView): Answer<Release> {
  return onRange(machine, view, (range) => {
    const call = range.shown('madvise', 'MADV_DONTNEED');
    const mappings = readMappings(machine, range, 'maps');
    if (mappings === undefined)
      return unsupported(`whether ${call} would give zeros is in /proc/self/maps, which cannot be read`);
    if (!mappings.every(({ privateAnonymous }) => privateAnonymous))
      return unsupported(
        `${call} is for private memory: this range lies in a mapping of a file, or shared with other processes, whose contents would come back`,
      );
    // The kernel would give back what lies before the locked part, and then refuse. Asking it of the locked part alone changes nothing.
    const locks = readLocks(machine, range);
    if (locks === undefined)
      return unsupported(
        `what is locked cannot be given back, and /proc/self/smaps, which tells, cannot be read`,
      );
    const locked = locks.find(({ flags }) => flags.has(LOCKED));
    const attempt = locked === undefined ? range.whole : part(range, locked.offsetBytes, locked.lengthBytes);
    const before = range.addon.memoryResidentPages(...range.whole);
    if (before < 0) return refused(range.shown('mincore'), before);
    let result = persist(() => range.addon.memoryAdvise(...attempt, MADV_DONTNEED));
    if (result === 0 && locked !== undefined)
      result = persist(() => range.addon.memoryAdvise(...range.whole, MADV_DONTNEED));
    if (result < 0)
      return refused(
        call,
        result,
        locked === undefined
          ? undefined
          : `${locked.lengthBytes} bytes from offset ${locked.offsetBytes} of it are locked; needs unlockMemory first`,
      );
    const after = range.addon.memoryResidentPages(...range.whole);
    if (after !== 0)
      return differs(
        `${call} succeeded, but ${after} of ${range.pages} pages are there again: another thread uses them; they were zeros when it came`,
      );
    return verified({ pages: range.pages, releasedPages: before });
  });
}
