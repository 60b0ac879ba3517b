// Calls about a range of memory, against the same system calls in C: 4 MiB, all of it there, no huge pages unless the call makes them.
import {
  adviseMemory,
  bindMemory,
  hugePages,
  lockMemory,
  memoryPolicy,
  migrateMemory,
  prefaultMemory,
  releaseMemory,
  resetMemoryPolicy,
  residency,
  Topology,
  unlockMemory,
} from '@corelane/platform';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { type Callee, calling, empty, inC, valueOf } from './calls.ts';

/** As in native/memory.c. Above a huge page, and below the 8 MiB that may be locked without privilege. */
const RANGE_BYTES = 4 << 20;

/** A range with all its pages there. */
function createRange(): Uint8Array {
  const buffer = new SharedArrayBuffer(RANGE_BYTES, { maxByteLength: RANGE_BYTES });
  return new Uint8Array(buffer, 0, RANGE_BYTES).fill(1);
}

function firstNode(): number {
  return Topology.read().nodes[0]?.os ?? 0;
}

/** All pages there, and what was written in them. */
function rangeFault(range: Uint8Array, written = 1): string | undefined {
  const { residentPages, pages } = valueOf(residency(range));
  if (residentPages !== pages) return `${residentPages} of ${pages} pages are there`;
  const wrong = range.findIndex((byte) => byte !== written);
  return wrong < 0 ? undefined : `byte ${wrong} is ${range[wrong]}, expected ${written}`;
}

interface Compared {
  readonly name: string;
  /** The call on a range; throws where the answer is not `verified`. True where its value is right. */
  readonly open: (range: Uint8Array) => () => boolean;
  /** What every byte is afterwards. Default 1. */
  readonly leaves?: number;
  readonly close?: (range: Uint8Array) => void;
  /** Names of native/memory.c. */
  readonly inC: readonly string[];
  readonly note?: string;
}

function compare({ name, open, leaves, close, inC: operations, note }: Compared): BatchCase[] {
  const callee = (): Callee => {
    const range = createRange();
    return {
      call: open(range),
      check: () => rangeFault(range, leaves),
      close: () => close?.(range),
    };
  };
  return [
    calling(name, 'ours', callee, note === undefined ? {} : { note }),
    ...operations.map((operation) => inC(`C ${operation}`, operation, { against: name })),
  ];
}

export const memoryCalls: BatchGroup = {
  kind: 'batch',
  name: 'memory',
  title: `Calls on ${RANGE_BYTES / 2 ** 20} MiB that are resident, against the same system calls in C`,
  note: 'Ours reads back what it has set: from the kernel where it tells, else from /proc/self/maps or smaps, which takes longer than the call.',
  cases: [
    ...compare({
      name: 'residency()',
      open: (range) => () => {
        const { residentPages, pages } = valueOf(residency(range));
        return residentPages === pages;
      },
      inC: ['move_pages', 'mincore'],
      note: 'the node of every page, as move_pages gives it; mincore knows only that they are there',
    }),
    ...compare({
      name: 'memoryPolicy()',
      open: (range) => () => valueOf(memoryPolicy(range)).length === 1,
      inC: ['get_mempolicy'],
    }),
    ...compare({
      name: 'bindMemory()',
      open(range) {
        const nodes = [firstNode()];
        return () => valueOf(bindMemory(range, nodes)).mode === 'bind';
      },
      close: (range) => void resetMemoryPolicy(range),
      inC: ['mbind', 'mbind+get'],
    }),
    ...compare({
      name: 'resetMemoryPolicy()',
      open: (range) => () => valueOf(resetMemoryPolicy(range)).mode === 'default',
      inC: ['mbind:default+get'],
    }),
    ...compare({
      name: 'migrateMemory()',
      open(range) {
        const node = firstNode();
        return () => {
          valueOf(migrateMemory(range, node));
          return true;
        };
      },
      inC: ['move_pages:to'],
      note: 'to the node where the pages are',
    }),
    ...compare({
      name: "adviseMemory('sequential')",
      open: (range) => () => valueOf(adviseMemory(range, 'sequential')).advice === 'sequential',
      inC: ['MADV_SEQUENTIAL'],
    }),
    ...compare({
      name: "hugePages('advise')",
      open: (range) => () => valueOf(hugePages(range, 'advise')).mode === 'advise',
      inC: ['MADV_HUGEPAGE'],
    }),
    ...compare({
      name: 'lockMemory() + unlockMemory()',
      open: (range) => () =>
        valueOf(lockMemory(range)).lockedBytes >= RANGE_BYTES &&
        valueOf(unlockMemory(range)).lockedBytes === 0,
      inC: ['mlock+munlock'],
    }),
    ...compare({
      name: 'prefaultMemory()',
      open: (range) => () => valueOf(prefaultMemory(range)).newPages === 0,
      inC: ['MADV_POPULATE_WRITE'],
      note: 'nothing to be done: all pages are there',
    }),
    ...compare({
      name: 'releaseMemory() + prefaultMemory()',
      open: (range) => () => {
        const { releasedPages } = valueOf(releaseMemory(range));
        return valueOf(prefaultMemory(range)).newPages === releasedPages && releasedPages > 0;
      },
      leaves: 0,
      inC: ['MADV_DONTNEED+populate', 'MADV_DONTNEED+touch'],
    }),
    empty,
  ],
};
