// A flame graph (https://www.brendangregg.com/flamegraphs.html): each stack a column of boxes, as wide as the time that it took; callers above callees,
// or below them. This file says what is where, `flame-graph-svg.ts` draws it.
import { callTree, isIdle, type CallTree, type Profiles } from './call-tree.ts';

/** Whose code it is. */
export type FrameKind = 'app' | 'dependency' | 'node' | 'v8';

export interface FlameBox {
  /** 0 is the root. */
  readonly depth: number;
  /** From 0 to 1 of the whole width. */
  readonly x: number;
  readonly width: number;
  readonly node: CallTree;
  readonly kind: FrameKind;
  /** Microseconds, without what is left out. */
  readonly totalUs: number;
}

export interface FlameLayout {
  readonly boxes: readonly FlameBox[];
  /** Rows. */
  readonly depth: number;
  /** Microseconds: the width of the root. */
  readonly totalUs: number;
  /** Boxes that are too narrow to be drawn, with all that they call. */
  readonly hidden: number;
}

export interface FlameLayoutOptions {
  /** A box per thread below the root, or all threads added up. By default where there are several. */
  readonly byThread?: boolean;
  /** With the time in which nothing ran; false by default. */
  readonly idle?: boolean;
  /** Narrower boxes are left out: a part of the whole width, 0 to 1; 0 by default. */
  readonly minWidth?: number;
}

export function layoutFlameGraph(profiles: Profiles, options: FlameLayoutOptions = {}): FlameLayout {
  const { idle = false, minWidth = 0 } = options;
  const threads = options.byThread ?? (Array.isArray(profiles) && profiles.length > 1);
  const root = callTree(profiles, { byThread: threads });
  const totals = idle ? new Map<CallTree, number>() : totalsWithoutIdle(root);
  const totalOf = (node: CallTree): number => totals.get(node) ?? node.totalUs;
  const all = totalOf(root);
  const boxes: FlameBox[] = [];
  let hidden = 0;
  let depth = 0;
  // A node waits here with its place; without recursion, for a stack may be deeper than ours.
  const waiting = [{ node: root, depth: 0, x: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node } = next;
    const totalUs = totalOf(node);
    const width = all === 0 ? (node === root ? 1 : 0) : totalUs / all;
    if (width === 0) continue;
    if (width < minWidth) {
      hidden += 1;
      continue;
    }
    // A thread is nobody's code.
    const kind = node === root || (next.depth === 1 && threads) ? 'v8' : kindOf(node);
    boxes.push({ ...next, width, kind, totalUs });
    depth = Math.max(depth, next.depth + 1);
    let { x } = next;
    for (const child of node.children.toSorted(byName)) {
      waiting.push({ node: child, depth: next.depth + 1, x });
      x += all === 0 ? 0 : totalOf(child) / all;
    }
  }
  return { boxes, depth, totalUs: all, hidden };
}

function kindOf({ url, functionName }: Pick<CallTree, 'url' | 'functionName'>): FrameKind {
  if (url === '') return functionName.startsWith('(') ? 'v8' : 'node';
  if (url.startsWith('node:')) return 'node';
  return /[\\/]node_modules[\\/]/.test(url) ? 'dependency' : 'app';
}

/** Totals that differ: those of nodes below which something was idle. */
function totalsWithoutIdle(root: CallTree): Map<CallTree, number> {
  const order = [root];
  for (const node of order) for (const child of node.children) order.push(child);
  const totals = new Map<CallTree, number>();
  for (const node of order.toReversed()) {
    const selfUs = isIdle(node) ? 0 : node.selfUs;
    totals.set(
      node,
      node.children.reduce((sum, child) => sum + (totals.get(child) as number), selfUs),
    );
  }
  return totals;
}

/** The same function is in the same place in every graph. */
function byName(a: CallTree, b: CallTree): number {
  return a.functionName < b.functionName ? -1 : a.functionName > b.functionName ? 1 : 0;
}
