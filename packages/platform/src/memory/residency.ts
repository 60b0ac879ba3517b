/**
 * Which pages of a range are there, and on which nodes: move_pages where it is to be had (about 0.1 µs a page), mincore else.
 * Large ranges are asked about in parts, so that the memory needed for it is the same for all.
 */
import { constants } from 'node:os';
import { types } from 'node:util';
import type { Answer } from '../answer.ts';
import { refused, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import { readHugeBytes } from './huge-bytes.ts';
import type { MemoryMachine } from './machine.ts';
import { numaHint } from './node-hint.ts';
import { checkOptions } from '../options.ts';
import type { MemoryRange } from './range.ts';
import { onRange, part, persist } from './range.ts';

export interface NodePages {
  readonly node: number;
  readonly pages: number;
}

export interface Residency {
  readonly pageBytes: number;
  readonly pages: number;
  /** Pages that have memory of their own; without `nodes` also those that share the page of zeros. */
  readonly residentPages: number;
  /** Read, but never written: they all share one page of zeros, on no node of theirs. `null`: not known. */
  readonly zeroPages: number | null;
  /** Resident pages by node, ascending, nodes without any left out. `null`: not known. */
  readonly nodes: readonly NodePages[] | null;
  /** How much of it is mapped as huge pages. `null`: not known. */
  readonly hugeBytes: number | null;
  /** Why something is `null`. */
  readonly notes: readonly string[];
}

export interface ResidencyOptions {
  /** Takes the node of each page: PAGE_ABSENT for one that is not there, PAGE_ZERO for one that shares the page of zeros. */
  readonly nodeOfPage?: Int16Array | Int32Array;
}

/** In `nodeOfPage`: nothing there. */
export const PAGE_ABSENT = -1;
/** In `nodeOfPage`: read, but never written. */
export const PAGE_ZERO = -2;

/** Pages asked about at a time: 16 KiB of answers. */
const PART_PAGES = 4096;

export interface PageCounts {
  readonly pages: number;
  readonly zeroPages: number;
  /** Resident pages of each node that has some. */
  readonly byNode: ReadonlyMap<number, number>;
}

/** @returns -errno where the kernel does not tell */
export function countPages(range: MemoryRange, nodeOfPage?: Int16Array | Int32Array): PageCounts | number {
  const status = new Int32Array(Math.min(PART_PAGES, range.pages));
  const byNode = new Map<number, number>();
  let pages = 0;
  let zeroPages = 0;
  for (let from = 0; from < range.pages; from += PART_PAGES) {
    const count = Math.min(PART_PAGES, range.pages - from);
    const where = part(range, from * range.pageBytes, count * range.pageBytes);
    const result = persist(() => range.addon.memoryNodes(...where, status));
    if (result < 0) return result;
    for (let index = 0; index < count; index++) {
      const node = status[index] ?? PAGE_ABSENT;
      const zero = node === -constants.errno.EFAULT;
      if (node >= 0) {
        pages++;
        byNode.set(node, (byNode.get(node) ?? 0) + 1);
      } else if (zero) zeroPages++;
      if (nodeOfPage !== undefined)
        nodeOfPage[from + index] = node >= 0 ? node : zero ? PAGE_ZERO : PAGE_ABSENT;
    }
  }
  return { pages, zeroPages, byNode };
}

export function residencyOf(
  machine: MemoryMachine,
  view: ArrayBufferView,
  options: ResidencyOptions,
): Answer<Residency> {
  checkOptions('residency', options, ['nodeOfPage']);
  const { nodeOfPage } = options;
  if (nodeOfPage !== undefined && !(types.isInt16Array(nodeOfPage) || types.isInt32Array(nodeOfPage)))
    throw new PlatformOptionError('nodeOfPage', 'must be an Int16Array or an Int32Array');
  return onRange<Residency>(machine, view, (range) => {
    if (nodeOfPage !== undefined && nodeOfPage.length < range.pages)
      throw new PlatformOptionError(
        'nodeOfPage',
        `has ${nodeOfPage.length} elements for ${range.pages} pages`,
      );
    const notes: string[] = [];
    const huge = readHugeBytes(machine, range);
    if (huge.bytes === null) notes.push(`hugeBytes: ${huge.reason}`);
    const base = { pageBytes: range.pageBytes, pages: range.pages, hugeBytes: huge.bytes, notes };

    const counts = countPages(range, nodeOfPage);
    if (typeof counts !== 'number')
      return verified({
        ...base,
        residentPages: counts.pages,
        zeroPages: counts.zeroPages,
        nodes: [...counts.byNode]
          .map(([node, pages]) => ({ node, pages }))
          .toSorted((a, b) => a.node - b.node),
      });

    const answer = refused(range.shown('move_pages'), counts, numaHint(counts));
    if (nodeOfPage !== undefined) return answer; // it cannot be filled
    const residentPages = range.addon.memoryResidentPages(...range.whole);
    if (residentPages < 0) return refused(range.shown('mincore'), residentPages);
    notes.push(`zeroPages, nodes: ${'reason' in answer ? answer.reason : ''}`);
    return verified({ ...base, residentPages, zeroPages: null, nodes: null });
  });
}
