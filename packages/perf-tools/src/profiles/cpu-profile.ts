// A CPU profile of V8, as in a `.cpuprofile` file (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile): a tree of
// calls, and which of its nodes was running at each sample. What V8, `node --cpu-prof` and Chrome write is taken; files come from strangers.
import { ProfileFormatError } from '../errors.ts';

export interface CallFrame {
  /** Empty where it is anonymous; `(root)`, `(program)`, `(idle)` and `(garbage collector)` are V8's own. */
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  /** From 0; -1 where it has none. */
  readonly lineNumber: number;
  /** From 0; -1 where it has none. */
  readonly columnNumber: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  /** Samples in which this was the top of the stack. */
  readonly hitCount?: number;
  /** Ids. */
  readonly children?: readonly number[];
  readonly deoptReason?: string;
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

export interface CpuProfile {
  /** The first one is the root. */
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of a clock with no known origin. */
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of the nodes that were the top of the stack. */
  readonly samples: readonly number[];
  /** Microseconds before each sample, since the one before or the start. V8 writes negative ones where a sample came late. */
  readonly timeDeltas: readonly number[];
}

/**
 * What came out of `JSON.parse` of a `.cpuprofile`, checked: every id is there once, the nodes are one tree, samples name nodes.
 * @throws ProfileFormatError
 */
export function checkCpuProfile(value: unknown): CpuProfile {
  const profile = object('profile', value);
  const nodes = array('nodes', profile['nodes']);
  const indexOf = new Map<number, number>();
  nodes.forEach((node, i) => {
    const id = integer(`nodes[${i}].id`, object(`nodes[${i}]`, node)['id']);
    if (indexOf.has(id)) throw new ProfileFormatError(`nodes[${i}].id`, id, 'an id that no other node has');
    indexOf.set(id, i);
    checkNode(`nodes[${i}]`, node as Record<string, unknown>);
  });
  checkTree(nodes as ProfileNode[], indexOf);
  const startTime = finite('startTime', profile['startTime']);
  const endTime = finite('endTime', profile['endTime']);
  if (endTime < startTime)
    throw new ProfileFormatError('endTime', endTime, `${startTime} (startTime) at least`);
  const samples = array('samples', profile['samples']);
  samples.forEach((id, i) => {
    if (!indexOf.has(id as number)) throw new ProfileFormatError(`samples[${i}]`, id, 'the id of a node');
  });
  const timeDeltas = array('timeDeltas', profile['timeDeltas']);
  if (timeDeltas.length !== samples.length)
    throw new ProfileFormatError('timeDeltas', timeDeltas, `as many as samples: ${samples.length}`);
  timeDeltas.forEach((delta, i) => finite(`timeDeltas[${i}]`, delta));
  return value as CpuProfile;
}

function checkNode(path: string, node: Record<string, unknown>): void {
  const frame = object(`${path}.callFrame`, node['callFrame']);
  for (const name of ['functionName', 'url'])
    if (typeof frame[name] !== 'string')
      throw new ProfileFormatError(`${path}.callFrame.${name}`, frame[name], 'a string');
  for (const name of ['lineNumber', 'columnNumber']) integer(`${path}.callFrame.${name}`, frame[name]);
  if (node['hitCount'] !== undefined) integer(`${path}.hitCount`, node['hitCount']);
  if (node['children'] !== undefined) array(`${path}.children`, node['children']);
}

/** Each node but the first is the child of one, and none is its own ancestor. */
function checkTree(nodes: readonly ProfileNode[], indexOf: ReadonlyMap<number, number>): void {
  if (nodes.length === 0) throw new ProfileFormatError('nodes', nodes, 'a root at least');
  const reached = new Set([0]);
  // A Set yields what is added while it is walked.
  for (const i of reached)
    nodes[i]?.children?.forEach((id, at) => {
      const child = indexOf.get(id);
      const path = `nodes[${i}].children[${at}]`;
      if (child === undefined) throw new ProfileFormatError(path, id, 'the id of a node');
      if (reached.has(child)) throw new ProfileFormatError(path, id, "a node that is nobody else's child");
      reached.add(child);
    });
  if (reached.size === nodes.length) return;
  const lost = nodes.findIndex((_, i) => !reached.has(i));
  throw new ProfileFormatError(`nodes[${lost}]`, nodes[lost]?.id, 'a node below the first');
}

function object(path: string, value: unknown): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ProfileFormatError(path, value, 'an object');
  return value as Record<string, unknown>;
}

function array(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new ProfileFormatError(path, value, 'an array');
  return value;
}

function integer(path: string, value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new ProfileFormatError(path, value, 'an integer');
  return value as number;
}

/** Sums of as many as there may be are numbers, too. */
function finite(path: string, value: unknown): number {
  if (typeof value !== 'number' || !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
    throw new ProfileFormatError(path, value, `a number up to ${Number.MAX_SAFE_INTEGER}`);
  return value;
}
