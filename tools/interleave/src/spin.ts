// Recognises loops that keep no count, where the scenario says after how many repetitions: see `spinAfter`.
import type { ThreadNode } from './thread-node.ts';

/** Accesses of the longest loop that is recognised. */
const LONGEST_LOOP = 8;

/** Did the two histories end with the same access and result? */
function repeats(node: ThreadNode, earlier: ThreadNode): boolean {
  if (node.result !== earlier.result || node.low !== earlier.low || node.high !== earlier.high) return false;
  const one = node.parent!.access;
  const other = earlier.parent!.access;
  return (
    one.op === other.op &&
    one.at === other.at &&
    one.a === other.a &&
    one.b === other.b &&
    one.c === other.c &&
    one.d === other.d
  );
}

/** Where the history ends with `times` equal runs of accesses: the node one run earlier. */
export function spinOf(node: ThreadNode, times: number): ThreadNode | undefined {
  for (let period = 1; period <= LONGEST_LOOP && period * times <= node.depth; period++) {
    let start = node;
    for (let i = 0; i < period; i++) start = start.parent!;
    let late = node;
    let early = start;
    let same = 0;
    while (same < period * (times - 1) && repeats(late, early)) {
      same++;
      late = late.parent!;
      early = early.parent!;
    }
    if (same === period * (times - 1)) return start;
  }
  return undefined;
}
