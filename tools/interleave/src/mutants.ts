// Committed mutants: wrong versions of a kernel, kept as patches of its source beside its model suite. A suite that passes on the
// kernel and on a mutant alike does not test what the mutant breaks.
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadKernel } from './kernel-loader.ts';
import { InterleaveError } from './machine.ts';
import type { Scenario } from './scenario.ts';
import { explore } from './search.ts';
import { type Statistics, Violation, type ViolationKind } from './violation.ts';

export interface Mutant {
  /** What is broken: "takes the last item without the CAS". */
  readonly name: string;
  /**
   * Source text that occurs exactly once in the kernel and the kernel files that it imports. Where it does not occur as it stands,
   * white space does not count: a patch survives the formatter.
   */
  readonly find: string;
  readonly replace: string;
  /** Ending of the path of the file to look in, where `find` occurs in several. */
  readonly file?: string;
  /** The kind of violation that must come of it (default: any but `exception`, `nondeterminism` and `truncated`). */
  readonly expect?: ViolationKind;
}

export interface MutationRun<K> {
  /** The kernel file that the scenarios call. */
  readonly kernel: URL | string;
  readonly mutants: readonly Mutant[];
  /** All must pass on the kernel as it is; at least one must fail on each mutant. */
  readonly scenarios: readonly ((kernel: K) => Scenario)[];
}

export interface Kill {
  readonly mutant: string;
  readonly scenario: string;
  readonly violation: Violation;
}

export interface MutationResult {
  /** What the search of each scenario found on the kernel as it is. */
  readonly baseline: readonly Statistics[];
  readonly kills: readonly Kill[];
}

/** A typing mistake in the patch throws, too; and a search that was cut off proves nothing. Only `expect` lets these count. */
const WEAK: ReadonlySet<ViolationKind> = new Set(['exception', 'nondeterminism', 'truncated', 'not-on-twin']);

interface Span {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** A text without its white space, and where each character stood. */
function compact(text: string): { text: string; offsets: number[] } {
  const offsets = Array.from(text.matchAll(/\S/g), (match) => match.index);
  return { text: offsets.map((offset) => text[offset]).join(''), offsets };
}

function literally(file: string, source: string, find: string): Span[] {
  const spans: Span[] = [];
  for (let from = source.indexOf(find); from >= 0; from = source.indexOf(find, from + find.length))
    spans.push({ file, from, to: from + find.length });
  return spans;
}

function loosely(file: string, source: string, find: string): Span[] {
  const { text, offsets } = compact(source);
  return literally(file, text, compact(find).text).map(({ from, to }) => ({
    file,
    from: offsets[from]!,
    to: offsets[to - 1]! + 1,
  }));
}

function apply(mutant: Mutant, sources: ReadonlyMap<string, string>): Map<string, string> {
  const fail = (why: string): never => {
    throw new InterleaveError('ERR_MUTANT', `mutant '${mutant.name}': ${why}`);
  };
  if (compact(mutant.find).text === '' || mutant.find === mutant.replace) fail('the patch changes nothing');
  const files = [...sources].filter(([file]) => file.endsWith(mutant.file ?? ''));
  const exact = files.flatMap(([file, text]) => literally(file, text, mutant.find));
  const found = exact.length > 0 ? exact : files.flatMap(([file, text]) => loosely(file, text, mutant.find));
  if (found.length !== 1)
    fail(
      `'${mutant.find}' occurs ${found.length} times in ${files.map(([file]) => relative('', file)).join(', ')}, expected once`,
    );
  const { file, from, to } = found[0]!;
  const text = sources.get(file)!;
  return new Map([...sources, [file, text.slice(0, from) + mutant.replace + text.slice(to)]]);
}

function outcomeOf(scenario: Scenario): Violation | Statistics {
  try {
    return explore(scenario);
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

/**
 * Runs the scenarios on the kernel, where all must pass, then on each mutant, where one must fail.
 * @throws {Violation} where a scenario fails on the kernel as it is
 * @throws {InterleaveError} `ERR_MUTANT_SURVIVED` naming all survivors; `ERR_MUTANT` where a patch does not fit or does not compile
 */
export function killsMutants<K = Record<string, (...words: number[]) => number>>(
  run: MutationRun<K>,
): MutationResult {
  const entry =
    run.kernel instanceof URL || run.kernel.startsWith('file:')
      ? fileURLToPath(run.kernel)
      : resolve(run.kernel);
  const sources = new Map<string, string>();
  const kernel = loadKernel(entry, sources) as K;
  const baseline = run.scenarios.map((scenario) => explore(scenario(kernel)));
  const kills: Kill[] = [];
  const survivors: string[] = [];
  for (const mutant of run.mutants) {
    const broken = loadKernel(entry, apply(mutant, sources)) as K;
    const others: string[] = [];
    const killed = run.scenarios.some((make) => {
      const scenario = make(broken);
      const violation = outcomeOf(scenario);
      if (!(violation instanceof Violation)) return false;
      if (mutant.expect ? violation.kind === mutant.expect : !WEAK.has(violation.kind)) {
        kills.push({ mutant: mutant.name, scenario: scenario.name ?? 'scenario', violation });
        return true;
      }
      others.push(`${violation.kind}: ${violation.why}`);
      return false;
    });
    if (!killed)
      survivors.push(
        others.length === 0
          ? mutant.name
          : `${mutant.name} (${mutant.expect ? `expected ${mutant.expect}, found ` : 'only '}${others.join('; ')})`,
      );
  }
  if (survivors.length > 0)
    throw new InterleaveError(
      'ERR_MUTANT_SURVIVED',
      `${survivors.length} of ${run.mutants.length} mutants survive:\n  ${survivors.join('\n  ')}`,
    );
  return { baseline, kills };
}
