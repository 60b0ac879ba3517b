/**
 * Having the pages of a range before they are needed: MADV_POPULATE_WRITE or _READ, or on kernels before 5.14 a touch of each page, which adds 0
 * atomically. Neither changes what other threads write meanwhile.
 */
import type { Answer } from '../answer.ts';
import { differs, errnoName, refused, verified } from '../answer.ts';
import type { MemoryMachine } from './machine.ts';
import { checkFlag, checkOptions } from '../options.ts';
import { onRange, persist } from './range.ts';
import { countPages } from './residency.ts';

export interface PrefaultOptions {
  /** Give each page memory of its own (default). `false`: pages never written share one page of zeros until they are. */
  readonly write?: boolean;
}

export interface Prefault {
  readonly pages: number;
  /** Pages that were not there before. */
  readonly newPages: number;
  /** How: the kernel's call, or one access to each page. */
  readonly by: 'MADV_POPULATE_WRITE' | 'MADV_POPULATE_READ' | 'touch';
}

const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;

export function prefault(
  machine: MemoryMachine,
  view: ArrayBufferView,
  options: PrefaultOptions,
): Answer<Prefault> {
  checkOptions('prefaultMemory', options, ['write']);
  const write = checkFlag('write', options.write, true);
  return onRange(machine, view, (range) => {
    const name = write ? 'MADV_POPULATE_WRITE' : 'MADV_POPULATE_READ';
    const before = range.addon.memoryResidentPages(...range.whole);
    if (before < 0) return refused(range.shown('mincore'), before);
    let by: Prefault['by'] = name;
    let result = persist(() =>
      range.addon.memoryAdvise(...range.whole, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ),
    );
    if (errnoName(-result) === 'EINVAL') {
      by = 'touch';
      result = range.addon.memoryTouch(...range.whole, write ? 1 : 0);
    }
    const resident = range.addon.memoryResidentPages(...range.whole);
    if (result < 0)
      return refused(
        range.shown('madvise', name),
        result,
        `${resident} of ${range.pages} pages are there; the rest needs memory that this machine or this cgroup does not have`,
      );
    if (resident !== range.pages)
      return differs(
        `${range.shown('madvise', name)} succeeded, but ${resident} of ${range.pages} pages are there: another thread gives them back, or they are swapped out`,
      );
    const counts = write ? countPages(range) : 0;
    if (typeof counts !== 'number' && counts.zeroPages > 0)
      return differs(
        `${range.shown('madvise', name)} succeeded, but ${counts.zeroPages} of ${range.pages} pages still share the page of zeros`,
      );
    return verified({ pages: range.pages, newPages: range.pages - before, by });
  });
}
