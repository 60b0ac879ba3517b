/** Nodes, as the calls on memory take them. */
import { formatCpuList } from '../machine/cpu-set.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { PlatformOptionError } from '../errors.ts';
import { MAX_NODES } from './native-memory.ts';
import { listed } from '../options.ts';
import { shown } from '../shown.ts';

/** Sorted, each once. @throws PlatformOptionError for none, and for what is no number of a node */
export function checkNodes(nodes: Iterable<number>): CpuSet {
  const found = new Set(listed('nodes', nodes).map((node) => checkNode(node)));
  if (found.size === 0) throw new PlatformOptionError('nodes', 'there is none, needs at least 1');
  return [...found].toSorted((a, b) => a - b);
}

/** @throws PlatformOptionError */
export function checkNode(node: number): number {
  if (Number.isInteger(node) && node >= 0 && node < MAX_NODES) return node;
  throw new PlatformOptionError('node', `${shown(node)} is no whole number from 0 to ${MAX_NODES - 1}`);
}

/** `node 3`, `nodes 0-2`. */
export function shownNodes(nodes: CpuSet): string {
  if (nodes.length === 0) return 'no node';
  return `${nodes.length === 1 ? 'node' : 'nodes'} ${formatCpuList(nodes)}`;
}
