/** The policies of the mappings under a range: reading them, and putting them back. */
import type { Refused, Unsupported } from '../answer.ts';
import { refused, unsupported } from '../answer.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { MemoryMachine } from './machine.ts';
import { readMappings } from './map.ts';
import { numaHint } from './node-hint.ts';
import type { MemoryRange } from './range.ts';
import { part, persist } from './range.ts';
import { NODE_MASK_BYTES } from './native-memory.ts';

/** `default`: the policy of the thread that touches a page first, which is its own node if nothing else was set. */
export type MemoryPolicyMode =
  | 'default'
  | 'prefer'
  | 'bind'
  | 'interleave'
  | 'local'
  | 'preferMany'
  | 'weightedInterleave'
  /** One that this package does not know. */
  | 'other';

/** MPOL_*: the number is the index. */
const MODES: readonly MemoryPolicyMode[] = [
  'default',
  'prefer',
  'bind',
  'interleave',
  'local',
  'preferMany',
  'weightedInterleave',
];
/** MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES, MPOL_F_NUMA_BALANCING ride on the mode. */
const MODE_FLAGS = 0xe0_00;
export interface MemoryPolicySegment {
  /** From the start of the range. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly mode: MemoryPolicyMode;
  readonly nodes: CpuSet;
}

/** What was read, with the mode as the kernel has it. */
export interface RawSegment {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly mode: number;
  readonly mask: Uint8Array;
}

export function modeNumber(mode: MemoryPolicyMode): number {
  return MODES.indexOf(mode);
}

export function readSegments(
  machine: MemoryMachine,
  range: MemoryRange,
): RawSegment[] | Refused | Unsupported {
  const mappings = readMappings(machine, range, 'maps');
  if (mappings === undefined)
    return unsupported('where policies begin and end is in /proc/self/maps, which cannot be read');
  const segments: RawSegment[] = [];
  for (const { offsetBytes, lengthBytes } of mappings) {
    const mask = new Uint8Array(NODE_MASK_BYTES);
    const mode = range.addon.memoryPolicy(...part(range, offsetBytes, lengthBytes), mask);
    if (mode < 0) return refused(range.shown('get_mempolicy'), mode, numaHint(mode));
    segments.push({ offsetBytes, lengthBytes, mode, mask });
  }
  return segments;
}

/** Pages that moved stay where they are: nothing said where they had to be. Read back too, and said where it did not work. */
export function putSegmentsBack(
  machine: MemoryMachine,
  range: MemoryRange,
  before: readonly RawSegment[],
  answer: Refused | Unsupported,
): Refused | Unsupported {
  for (const { offsetBytes, lengthBytes, mode, mask } of before)
    persist(() => range.addon.memoryBind(...part(range, offsetBytes, lengthBytes), mode, mask, 0));
  const after = readSegments(machine, range);
  const same =
    !('status' in after) && JSON.stringify(mergeSegments(after)) === JSON.stringify(mergeSegments(before));
  if (same) return answer;
  return { ...answer, reason: `${answer.reason}; the policy from before could not be put back` };
}

/** Neighbours with the same policy as one. */
export function mergeSegments(segments: readonly RawSegment[]): MemoryPolicySegment[] {
  const merged: MemoryPolicySegment[] = [];
  for (const { offsetBytes, lengthBytes, mode: raw, mask } of segments) {
    const mode = modeOf(raw);
    const nodes = nodesOf(mask);
    const last = merged.at(-1);
    if (last !== undefined && last.mode === mode && sameNodes(last.nodes, nodes))
      merged[merged.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
    else merged.push({ offsetBytes, lengthBytes, mode, nodes });
  }
  return merged;
}

function modeOf(raw: number): MemoryPolicyMode {
  return MODES[raw & ~MODE_FLAGS] ?? 'other';
}

export function maskOf(nodes: CpuSet): Uint8Array {
  const mask = new Uint8Array(NODE_MASK_BYTES);
  for (const node of nodes) mask[node >> 3] = (mask[node >> 3] ?? 0) | (1 << (node & 7));
  return mask;
}

function nodesOf(mask: Uint8Array): CpuSet {
  const nodes: number[] = [];
  for (let node = 0; node < NODE_MASK_BYTES * 8; node++)
    if (((mask[node >> 3] ?? 0) & (1 << (node & 7))) !== 0) nodes.push(node);
  return nodes;
}

export function sameNodes(a: CpuSet, b: CpuSet): boolean {
  return a.length === b.length && a.every((node, index) => node === b[index]);
}
