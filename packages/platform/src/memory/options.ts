/** Checks of options that the calls on memory share. */
import { formatCpuList } from '../machine/cpu-set.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { PlatformOptionError } from '../errors.ts';
import { MAX_NODES } from './native-memory.ts';

/** @throws PlatformOptionError for anything but an object with these names */
export function checkOptions(call: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new PlatformOptionError('options', `of ${call} must be an object, found ${String(options)}`);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new PlatformOptionError(
        name,
        `${call} has no such option${names.length === 0 ? '' : `, only ${names.join(', ')}`}`,
      );
}

/** @throws PlatformOptionError for anything but `true`, `false` and `undefined` */
export function checkFlag(name: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean')
    throw new PlatformOptionError(name, `must be true or false, found ${String(value)}`);
  return value;
}

/** Sorted, each once. @throws PlatformOptionError for none, and for what is no number of a node */
export function checkNodes(nodes: Iterable<number>): CpuSet {
  if (typeof nodes !== 'object' || nodes === null || typeof nodes[Symbol.iterator] !== 'function')
    throw new PlatformOptionError('nodes', `must be numbers of nodes, found ${typeof nodes}`);
  const found = new Set<number>();
  for (const node of nodes) found.add(checkNode(node));
  if (found.size === 0) throw new PlatformOptionError('nodes', 'there is none, needs at least 1');
  return [...found].toSorted((a, b) => a - b);
}

/** @throws PlatformOptionError */
export function checkNode(node: number): number {
  if (Number.isInteger(node) && node >= 0 && node < MAX_NODES) return node;
  throw new PlatformOptionError('node', `${String(node)} is no whole number from 0 to ${MAX_NODES - 1}`);
}

/** `node 3`, `nodes 0-2`. */
export function shownNodes(nodes: CpuSet): string {
  if (nodes.length === 0) return 'no node';
  return `${nodes.length === 1 ? 'node' : 'nodes'} ${formatCpuList(nodes)}`;
}
