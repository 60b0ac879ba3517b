/**
 * Advice to the kernel (madvise) of the kind that it remembers, so that it can be read back: VmFlags in /proc/self/smaps. What leaves no trace
 * is not offered (WILLNEED, COLD, PAGEOUT, FREE).
 */
import type { Answer } from '../answer.ts';
import { differs, errnoName, refused, unsupported, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import type { MemoryMachine } from './machine.ts';
import type { Mapping } from './map.ts';
import { readMappings, sameFlags } from './map.ts';
import type { MemoryRange } from './range.ts';
import { onRange, part, persist } from './range.ts';
import { shown } from '../shown.ts';

/**
 * `normal`, `random`, `sequential`: order of access. `dontFork`, `doFork`: whether a child process gets the range. `dontDump`, `doDump`: whether core dumps
 * hold it. `wipeOnFork`, `keepOnFork`: whether a child reads zeros. `mergeable`, `unmergeable`: whether KSM may merge equal pages.
 */
export type MemoryAdvice =
  | 'normal'
  | 'random'
  | 'sequential'
  | 'dontFork'
  | 'doFork'
  | 'dontDump'
  | 'doDump'
  | 'wipeOnFork'
  | 'keepOnFork'
  | 'mergeable'
  | 'unmergeable';

export interface Advised {
  readonly advice: MemoryAdvice;
  /** VmFlags that were read back for all of the range, ascending, as `dd`. */
  readonly flags: readonly string[];
}

interface Known {
  /** MADV_* */
  readonly number: number;
  readonly name: string;
  /** Flags that it sets, and flags that it clears. */
  readonly has: readonly string[];
  readonly lacks: readonly string[];
}

const ADVICE: Readonly<Record<MemoryAdvice, Known>> = {
  normal: { number: 0, name: 'MADV_NORMAL', has: [], lacks: ['rr', 'sr'] },
  random: { number: 1, name: 'MADV_RANDOM', has: ['rr'], lacks: ['sr'] },
  sequential: { number: 2, name: 'MADV_SEQUENTIAL', has: ['sr'], lacks: ['rr'] },
  dontFork: { number: 10, name: 'MADV_DONTFORK', has: ['dc'], lacks: [] },
  doFork: { number: 11, name: 'MADV_DOFORK', has: [], lacks: ['dc'] },
  mergeable: { number: 12, name: 'MADV_MERGEABLE', has: ['mg'], lacks: [] },
  unmergeable: { number: 13, name: 'MADV_UNMERGEABLE', has: [], lacks: ['mg'] },
  dontDump: { number: 16, name: 'MADV_DONTDUMP', has: ['dd'], lacks: [] },
  doDump: { number: 17, name: 'MADV_DODUMP', has: [], lacks: ['dd'] },
  wipeOnFork: { number: 18, name: 'MADV_WIPEONFORK', has: ['wf'], lacks: [] },
  keepOnFork: { number: 19, name: 'MADV_KEEPONFORK', has: [], lacks: ['wf'] },
};
/** Advice about the same thing: one of them brings each state back. */
const GROUPS: readonly (readonly MemoryAdvice[])[] = [
  ['random', 'sequential', 'normal'],
  ['dontFork', 'doFork'],
  ['mergeable', 'unmergeable'],
  ['dontDump', 'doDump'],
  ['wipeOnFork', 'keepOnFork'],
];
const NO_SMAPS = 'advice is read back from /proc/self/smaps, which cannot be read';

export function advise(machine: MemoryMachine, view: ArrayBufferView, advice: MemoryAdvice): Answer<Advised> {
  if (typeof advice !== 'string' || !Object.hasOwn(ADVICE, advice))
    throw new PlatformOptionError(
      'advice',
      `${shown(advice)} is not one of ${Object.keys(ADVICE).join(', ')}`,
    );
  const known = ADVICE[advice];
  return onRange(machine, view, (range) => {
    const before = readMappings(machine, range, 'smaps');
    if (before === undefined) return unsupported(NO_SMAPS);
    const call = range.shown('madvise', known.name);
    const result = persist(() => range.addon.memoryAdvise(...range.whole, known.number));
    const after = result < 0 ? undefined : readMappings(machine, range, 'smaps');
    if (after?.every((mapping) => holds(mapping, known)) === true)
      return verified({ advice, flags: common(after) });
    const answer =
      result < 0
        ? refused(
            call,
            result,
            errnoName(-result) === 'EINVAL'
              ? `this kernel (${machine.release}) is built without it`
              : undefined,
          )
        : after === undefined
          ? unsupported(NO_SMAPS)
          : differs(
              `${call} succeeded, but VmFlags in /proc/self/smaps are ${common(after).join(' ')}: ${[...known.has, ...known.lacks.map((flag) => `no ${flag}`)].join(', ')} expected`,
            );
    if (putBack(machine, range, before, advice)) return answer;
    return { ...answer, reason: `${answer.reason}; the advice from before could not be put back` };
  });
}

function holds({ flags }: Pick<Mapping, 'flags'>, { has, lacks }: Known): boolean {
  return has.every((flag) => flags.has(flag)) && !lacks.some((flag) => flags.has(flag));
}

/** Whether everything is as it was. */
function putBack(
  machine: MemoryMachine,
  range: MemoryRange,
  before: readonly Mapping[],
  advice: MemoryAdvice,
): boolean {
  const group = GROUPS.find((candidates) => candidates.includes(advice)) ?? [];
  for (const mapping of before) {
    const was = group.find((candidate) => holds(mapping, ADVICE[candidate]));
    if (was === undefined) continue;
    const where = part(range, mapping.offsetBytes, mapping.lengthBytes);
    persist(() => range.addon.memoryAdvise(...where, ADVICE[was].number));
  }
  const flags = group.flatMap((candidate) => ADVICE[candidate].has);
  const after = readMappings(machine, range, 'smaps');
  return after !== undefined && sameFlags(before, after, flags);
}

function common([first, ...others]: readonly Mapping[]): string[] {
  return [...(first?.flags ?? [])]
    .filter((flag) => others.every(({ flags }) => flags.has(flag)))
    .toSorted((a, b) => (a < b ? -1 : 1));
}
