/**
 * From which nodes the pages of a range come (mbind), and back (get_mempolicy). A range can lie in several mappings, each with a policy of
 * its own: they are read before, so that a call that fails puts them back, and after, so that what is called verified was read.
 */
import type { Answer, Refused, Unsupported } from '../answer.ts';
import { differs, refused, unsupported, verified } from '../answer.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { MemoryMachine } from './machine.ts';
import { nodeErrorHint, nodeHint, numaHint } from './node-hint.ts';
import { shownNodes } from './options.ts';
import { checkFlag, checkOptions } from '../options.ts';
import type { MemoryPolicyMode, MemoryPolicySegment } from './policy-segments.ts';
import {
  maskOf,
  mergeSegments,
  modeNumber,
  putSegmentsBack,
  readSegments,
  sameNodes,
} from './policy-segments.ts';
import { onRange, persist } from './range.ts';
import { countPages } from './residency.ts';

const SINCE: Partial<Record<MemoryPolicyMode, string>> = { preferMany: '5.15', weightedInterleave: '6.9' };
const EINVAL = 22;
const MF_STRICT = 1;
const MF_MOVE = 2;
/** How often pages that would not move are asked to again. Guessed: pages are busy for microseconds. */
const MOVE_ROUNDS = 8;

export interface MemoryPolicyOptions {
  /** Move pages that are there already, all of them, or the call is refused. Default `false`: only pages touched later follow. */
  readonly migrate?: boolean;
  /** Refuse where pages that are there lie on other nodes. Implied by `migrate`. Default `false`. */
  readonly strict?: boolean;
}

export interface MemoryPolicySet {
  readonly mode: MemoryPolicyMode;
  readonly nodes: CpuSet;
  /** Pages there, every one on `nodes`. `null` where neither `migrate` nor `strict` asked for it. */
  readonly residentPages: number | null;
}

export function policyOf(
  machine: MemoryMachine,
  view: ArrayBufferView,
): Answer<readonly MemoryPolicySegment[]> {
  return onRange(machine, view, (range) => {
    const found = readSegments(machine, range);
    return 'status' in found ? found : verified(mergeSegments(found));
  });
}

export function setPolicy(
  machine: MemoryMachine,
  view: ArrayBufferView,
  mode: MemoryPolicyMode,
  nodes: CpuSet,
  options: MemoryPolicyOptions,
): Answer<MemoryPolicySet> {
  checkOptions('a memory policy', options, mode === 'default' ? [] : ['migrate', 'strict']);
  const migrate = checkFlag('migrate', options.migrate, false);
  const strict = checkFlag('strict', options.strict, false) || migrate;
  return onRange<MemoryPolicySet>(machine, view, (range) => {
    const before = readSegments(machine, range);
    if ('status' in before) return before;
    const fail = (answer: Refused | Unsupported): Refused | Unsupported =>
      putSegmentsBack(machine, range, before, answer);
    const call = range.shown('mbind', mode, shownNodes(nodes));
    const mask = maskOf(nodes);
    const bind = (flags: number): number =>
      persist(() => range.addon.memoryBind(...range.whole, modeNumber(mode), mask, flags));

    const result = bind(migrate ? MF_MOVE : strict ? MF_STRICT : 0);
    if (result < 0) return fail(explain(machine, call, mode, nodes, result));
    const after = readSegments(machine, range);
    if ('status' in after) return fail(after);
    const segments = mergeSegments(after);
    const other = segments.find((segment) => segment.mode !== mode || !sameNodes(segment.nodes, nodes));
    if (other !== undefined)
      return fail(
        differs(
          `${call} succeeded, but get_mempolicy says ${other.mode} with ${shownNodes(other.nodes)}: ${nodeHint(machine, nodes) ?? 'another thread may have changed it'}`,
        ),
      );
    if (!strict) return verified({ mode, nodes, residentPages: null });

    for (let round = 1; ; round++) {
      const counts = countPages(range);
      if (typeof counts === 'number')
        return fail(refused(range.shown('move_pages'), counts, numaHint(counts)));
      let elsewhere = 0;
      for (const [node, pages] of counts.byNode) if (!nodes.includes(node)) elsewhere += pages;
      if (elsewhere === 0) return verified({ mode, nodes, residentPages: counts.pages });
      const left = `${elsewhere} of ${counts.pages} resident pages lie elsewhere`;
      if (!migrate) return fail(differs(`${call} succeeded, but ${left}; needs migrate: true to move them`));
      if (round === MOVE_ROUNDS)
        return fail({
          status: 'refused',
          errno: 'EIO',
          reason: `${call} left pages where they were: after ${round} rounds ${left}; they are pinned, or the node is full; those that moved stay there`,
        });
      bind(MF_MOVE | MF_STRICT);
    }
  });
}

function explain(
  machine: MemoryMachine,
  call: string,
  mode: MemoryPolicyMode,
  nodes: CpuSet,
  result: number,
): Refused | Unsupported {
  const since = SINCE[mode];
  const hint = nodeErrorHint(machine, nodes, result);
  // The one reason left for EINVAL: the kernel does not know the mode.
  if (since !== undefined && hint === undefined && result === -EINVAL)
    return unsupported(
      `${call} answered EINVAL: the policy ${mode} needs Linux ${since}, this is ${machine.release}`,
    );
  return refused(call, result, hint);
}
