/**
 * Ranges of memory: on which nodes, in which pages, locked or given back. All of it is synchronous, for ranges of whole pages (`alignedRange`),
 * through the addon, and read back before it is called `verified`. What the kernel sets belongs to the pages, not to the view: undo it before the buffer is
 * dropped, where its memory came from malloc (any ArrayBuffer or SharedArrayBuffer without `maxByteLength`).
 */
import type { Answer } from '../answer.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { Advised, MemoryAdvice } from './advice.ts';
import { advise } from './advice.ts';
import type { AlignedRangeOptions } from './aligned-range.ts';
import { largestAlignedRange } from './aligned-range.ts';
import type { HugePages, HugePagesMode } from './huge.ts';
import { setHugePages } from './huge.ts';
import type { MemoryLock } from './lock.ts';
import { lock, unlock } from './lock.ts';
import { thisMachine } from './machine.ts';
import type { Migration } from './migration.ts';
import { migrate } from './migration.ts';
import { checkNodes } from './options.ts';
import { checkFlag, checkOptions } from '../options.ts';
import type { MemoryPolicyOptions, MemoryPolicySet } from './policy.ts';
import { policyOf, setPolicy } from './policy.ts';
import type { MemoryPolicySegment } from './policy-segments.ts';
import type { Prefault, PrefaultOptions } from './prefault.ts';
import { prefault } from './prefault.ts';
import { readPageBytes } from './range.ts';
import type { Release } from './release.ts';
import { release } from './release.ts';
import type { Residency, ResidencyOptions } from './residency.ts';
import { residencyOf } from './residency.ts';

export interface InterleaveOptions extends MemoryPolicyOptions {
  /** By the weights in /sys/kernel/mm/mempolicy/weighted_interleave (Linux 6.9). Default `false`: page by page in turn. */
  readonly weighted?: boolean;
}

/** Size of a page in bytes. Without the addon from /proc, and without that 4096 (16384 on Apple's processors). */
export function pageBytes(): number {
  return readPageBytes(thisMachine());
}

/**
 * The largest part of a buffer, or of a view, whose ends are at page boundaries: what the other functions take. `unsupported` without the addon, which
 * alone knows where a buffer lies.
 * @throws MemoryRangeError where that is less than `minimumBytes`
 */
export function alignedRange(
  memory: ArrayBufferLike | ArrayBufferView,
  options: AlignedRangeOptions = {},
): Answer<Uint8Array> {
  return largestAlignedRange(thisMachine(), memory, options);
}

/** Pages of the range come from these nodes only, or not at all (where they are full, the process is killed). */
export function bindMemory(
  range: ArrayBufferView,
  nodes: CpuSet,
  options: MemoryPolicyOptions = {},
): Answer<MemoryPolicySet> {
  return setPolicy(thisMachine(), range, 'bind', checkNodes(nodes), options);
}

/** Pages of the range come from these nodes in turn. */
export function interleaveMemory(
  range: ArrayBufferView,
  nodes: CpuSet,
  options: InterleaveOptions = {},
): Answer<MemoryPolicySet> {
  checkOptions('interleaveMemory', options, ['migrate', 'strict', 'weighted']);
  const { weighted, ...rest } = options;
  const mode = checkFlag('weighted', weighted, false) ? 'weightedInterleave' : 'interleave';
  return setPolicy(thisMachine(), range, mode, checkNodes(nodes), rest);
}

/** Pages of the range come from this node as long as it has some, else from others. Several nodes: Linux 5.15. */
export function preferMemory(
  range: ArrayBufferView,
  node: number | CpuSet,
  options: MemoryPolicyOptions = {},
): Answer<MemoryPolicySet> {
  const nodes = checkNodes(typeof node === 'number' ? [node] : node);
  return setPolicy(thisMachine(), range, nodes.length === 1 ? 'prefer' : 'preferMany', nodes, options);
}

/** Back to the policy of the thread that touches a page first. Pages stay where they are. */
export function resetMemoryPolicy(range: ArrayBufferView): Answer<MemoryPolicySet> {
  return setPolicy(thisMachine(), range, 'default', [], {});
}

/** The policies in force, in ascending order: one, where the whole range has the same. */
export function memoryPolicy(range: ArrayBufferView): Answer<readonly MemoryPolicySegment[]> {
  return policyOf(thisMachine(), range);
}

/** Moves the pages that are there to a node, now. Says nothing about pages that come later. */
export function migrateMemory(range: ArrayBufferView, node: number): Answer<Migration> {
  return migrate(thisMachine(), range, node);
}

/** Brings all pages of the range and keeps them in memory. Up to RLIMIT_MEMLOCK, or with CAP_IPC_LOCK. */
export function lockMemory(range: ArrayBufferView): Answer<MemoryLock> {
  return lock(thisMachine(), range);
}

/** Undoes any number of `lockMemory` on these pages. */
export function unlockMemory(range: ArrayBufferView): Answer<MemoryLock> {
  return unlock(thisMachine(), range);
}

/** See HugePagesMode. @throws MemoryRangeError where no huge page fits into the range */
export function hugePages(range: ArrayBufferView, mode: HugePagesMode): Answer<HugePages> {
  return setHugePages(thisMachine(), range, mode);
}

/** Brings all pages of the range now, rather than at their first use. Contents stay, also what others write meanwhile. */
export function prefaultMemory(range: ArrayBufferView, options: PrefaultOptions = {}): Answer<Prefault> {
  return prefault(thisMachine(), range, options);
}

/** See MemoryAdvice. */
export function adviseMemory(range: ArrayBufferView, advice: MemoryAdvice): Answer<Advised> {
  return advise(thisMachine(), range, advice);
}

/** Which pages are there, and on which nodes. Time goes with the pages, memory does not. */
export function residency(range: ArrayBufferView, options: ResidencyOptions = {}): Answer<Residency> {
  return residencyOf(thisMachine(), range, options);
}

/**
 * Gives the pages back to the kernel: the range reads as zeros, and stays usable. For all threads at once: who uses it at that moment loses what it wrote.
 * Locked pages are refused.
 */
export function releaseMemory(range: ArrayBufferView): Answer<Release> {
  return release(thisMachine(), range);
}
