// Where the time of one profile or several went, as one tree of calls: the same stack is one node, however often and in whichever thread it ran.
import { ArgumentRangeError, checkNames } from '../errors.ts';
import { checkCpuProfile, type CallFrame, type CpuProfile, type ProfileNode } from './cpu-profile.ts';
import type { NamedProfile } from './recording.ts';

export interface CallTree {
  readonly functionName: string;
  readonly url: string;
  /** From 0; -1 where it has none. */
  readonly lineNumber: number;
  readonly columnNumber: number;
  /** Microseconds in which it was the top of the stack. */
  readonly selfUs: number;
  /** Microseconds in which it was on the stack. */
  readonly totalUs: number;
  /** How many samples found it on top. */
  readonly samples: number;
  /** Those that took longest first. */
  readonly children: readonly CallTree[];
}

/** A stretch in which the top of the stack was one node. */
export interface Stretch {
  readonly nodeId: number;
  readonly durationUs: number;
}

export interface TreeOptions {
  /** A node per profile, named as it is, below the root; otherwise stacks of all threads are added up. By default where there are several. */
  readonly byThread?: boolean;
}

interface Growing {
  readonly frame: Omit<CallFrame, 'scriptId'>;
  selfUs: number;
  samples: number;
  readonly children: Map<string, Growing>;
}

const SEPARATOR = '\u0000';

/** One profile, or those of several threads. */
export type Profiles = NamedProfile | readonly NamedProfile[];

/** All stacks of the profiles. The root stands for all of it, idle time included. @throws ArgumentRangeError where there is none, ProfileFormatError */
export function callTree(input: Profiles, options: TreeOptions = {}): CallTree {
  const profiles = profileList(input);
  checkNames('a call tree', options, ['byThread']);
  const { byThread = profiles.length > 1 } = options;
  const root = growing(plainFrame('(root)'));
  for (const { name, profile } of profiles) {
    const top = byThread ? childOf(root, plainFrame(name)) : root;
    const nodes = new Map(stacks(profile).map(({ node, parentId }) => [node.id, { node, parentId }]));
    const grown = new Map<number, Growing>([[rootOf(profile).id, top]]);
    const grow = (id: number): Growing => {
      // From the top down to what exists already, then back: stacks may be deeper than our own.
      const path: ProfileNode[] = [];
      let at = id;
      while (!grown.has(at)) {
        const { node, parentId } = nodes.get(at) as { node: ProfileNode; parentId: number };
        path.push(node);
        at = parentId;
      }
      let parent = grown.get(at) as Growing;
      for (const node of path.toReversed()) grown.set(node.id, (parent = childOf(parent, node.callFrame)));
      return parent;
    };
    for (const { nodeId, durationUs } of stretches(profile)) {
      const node = grow(nodeId);
      node.selfUs += durationUs;
      node.samples += 1;
    }
  }
  return finished(root);
}

/** Checked: what is no tree would be walked for ever. @throws ArgumentRangeError where there is none, ProfileFormatError */
export function profileList(input: Profiles): readonly NamedProfile[] {
  const profiles = Array.isArray(input) ? (input as readonly NamedProfile[]) : [input as NamedProfile];
  if (profiles.length === 0) throw new ArgumentRangeError('profiles', profiles, 'one at least');
  for (const named of profiles) {
    if (typeof named?.name !== 'string' || named.profile === undefined)
      throw new ArgumentRangeError('profiles', named, 'objects with a name and a profile');
    checkCpuProfile(named.profile);
  }
  return profiles;
}

/** Every node but the root, with its parent's id; parents come before their children. */
export function stacks(profile: CpuProfile): { readonly node: ProfileNode; readonly parentId: number }[] {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const found: { node: ProfileNode; parentId: number }[] = [];
  const visit = [rootOf(profile)];
  for (const parent of visit)
    for (const id of parent.children ?? []) {
      const node = byId.get(id) as ProfileNode;
      found.push({ node, parentId: parent.id });
      visit.push(node);
    }
  return found;
}

/**
 * What was on top, in the order of time. A sample holds until the next one, the last until the end; what was before the first
 * is nobody's. V8 writes some samples late (a negative delta): they are put where they belong.
 */
export function stretches({ samples, timeDeltas, startTime, endTime }: CpuProfile): Stretch[] {
  let at = startTime;
  const timed = samples.map((nodeId, i) => ({ nodeId, at: (at += timeDeltas[i] as number) }));
  timed.sort((a, b) => a.at - b.at);
  return timed.map((sample, i) => ({
    nodeId: sample.nodeId,
    durationUs: Math.max(0, (timed[i + 1]?.at ?? Math.max(endTime, sample.at)) - sample.at),
  }));
}

export function rootOf(profile: CpuProfile): ProfileNode {
  return profile.nodes[0] as ProfileNode;
}

/** V8's own node for a thread that had nothing to do. */
export function isIdle(frame: Pick<CallFrame, 'functionName' | 'url'>): boolean {
  return frame.functionName === '(idle)' && frame.url === '';
}

/** Same for two calls of one function. */
export function frameKey(frame: Omit<CallFrame, 'scriptId'>): string {
  return [frame.functionName, frame.url, frame.lineNumber, frame.columnNumber].join(SEPARATOR);
}

export function plainFrame(functionName: string): CallFrame {
  return { functionName, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
}

function growing(frame: Omit<CallFrame, 'scriptId'>): Growing {
  return { frame, selfUs: 0, samples: 0, children: new Map() };
}

function childOf(parent: Growing, frame: CallFrame): Growing {
  const key = frameKey(frame);
  let child = parent.children.get(key);
  if (child === undefined) parent.children.set(key, (child = growing(frame)));
  return child;
}

/** Without recursion: a stack may be deeper than ours. */
function finished(root: Growing): CallTree {
  const order = [root];
  for (const node of order) for (const child of node.children.values()) order.push(child);
  const done = new Map<Growing, CallTree>();
  for (const node of order.toReversed()) {
    const children = [...node.children.values()].map((child) => done.get(child) as CallTree);
    children.sort((a, b) => b.totalUs - a.totalUs || (a.functionName < b.functionName ? -1 : 1));
    const { functionName, url, lineNumber, columnNumber } = node.frame;
    const { selfUs, samples } = node;
    const totalUs = children.reduce((sum, child) => sum + child.totalUs, selfUs);
    done.set(node, { functionName, url, lineNumber, columnNumber, selfUs, totalUs, samples, children });
  }
  return done.get(root) as CallTree;
}
