// A file for https://www.speedscope.app (its schema: https://www.speedscope.app/file-format-schema.json): one profile for each thread, in the order of time.
import { ArgumentRangeError, checkNames } from '../errors.ts';
import { frameKey, isIdle, profileList, stacks, stretches, type Profiles } from './call-tree.ts';
import type { CallFrame, ProfileNode } from './cpu-profile.ts';
import type { NamedProfile } from './recording.ts';

export interface SpeedscopeFrame {
  readonly name: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly col?: number;
}

export interface SpeedscopeProfile {
  readonly type: 'sampled';
  readonly name: string;
  readonly unit: 'microseconds';
  readonly startValue: number;
  readonly endValue: number;
  /** Stacks of indices of frames, the outermost first; empty where the thread was idle. */
  readonly samples: readonly (readonly number[])[];
  /** Microseconds of each of them. */
  readonly weights: readonly number[];
}

export interface SpeedscopeFile {
  readonly $schema: 'https://www.speedscope.app/file-format-schema.json';
  readonly exporter: '@corelane/perf-tools';
  readonly name?: string;
  readonly activeProfileIndex: number;
  readonly shared: { readonly frames: readonly SpeedscopeFrame[] };
  readonly profiles: readonly SpeedscopeProfile[];
}

/** Each stack is written as a whole: deep ones that are all different take the square of their depth. Guessed: some 300 MB. */
const MOST_ENTRIES = 5e7;

/** @throws ArgumentRangeError where there is no profile, or stacks are too deep for such a file, ProfileFormatError */
export function toSpeedscope(input: Profiles, options: { readonly name?: string } = {}): SpeedscopeFile {
  const profiles = profileList(input);
  checkNames('toSpeedscope', options, ['name']);
  checkDepths(profiles);
  const frames = new Frames();
  const converted = profiles.map((profile) => convert(profile, frames));
  return {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: '@corelane/perf-tools',
    ...(options.name === undefined ? {} : { name: options.name }),
    activeProfileIndex: 0,
    shared: { frames: frames.all },
    profiles: converted,
  };
}

/** @throws ArgumentRangeError */
function checkDepths(profiles: readonly NamedProfile[]): void {
  let entries = 0;
  for (const { profile } of profiles) {
    const depthOf = new Map<number, number>();
    for (const { node, parentId } of stacks(profile)) depthOf.set(node.id, (depthOf.get(parentId) ?? 0) + 1);
    for (const id of new Set(profile.samples)) entries += depthOf.get(id) ?? 0;
  }
  if (entries > MOST_ENTRIES)
    throw new ArgumentRangeError(
      'frames of different stacks',
      entries,
      `at most ${MOST_ENTRIES}: callTree, mergeProfiles and toFlameGraphSvg take deeper ones`,
    );
}

function convert({ name, profile }: NamedProfile, frames: Frames): SpeedscopeProfile {
  const nodes = new Map(stacks(profile).map((stack) => [stack.node.id, stack]));
  const indices = new Map<number, number>();
  const indexOf = ({ id, callFrame }: ProfileNode): number => {
    let index = indices.get(id);
    if (index === undefined) indices.set(id, (index = frames.indexOf(callFrame)));
    return index;
  };
  // Of those nodes only that were on top at some time: a tree may be deep.
  const known = new Map<number, readonly number[]>();
  const stackOf = (nodeId: number): readonly number[] => {
    const found = known.get(nodeId);
    if (found !== undefined) return found;
    const stack: number[] = [];
    for (let at = nodes.get(nodeId); at !== undefined; at = nodes.get(at.parentId))
      if (!isIdle(at.node.callFrame)) stack.push(indexOf(at.node));
    const outermostFirst = stack.toReversed();
    known.set(nodeId, outermostFirst);
    return outermostFirst;
  };
  const samples: (readonly number[])[] = [];
  const weights: number[] = [];
  let lastId: number | undefined;
  let endValue = 0;
  for (const { nodeId, durationUs } of stretches(profile)) {
    endValue += durationUs;
    // One stretch of the same stack is one sample: files of minutes stay small.
    if (nodeId === lastId) weights[weights.length - 1] = (weights.at(-1) as number) + durationUs;
    else {
      samples.push(stackOf(nodeId));
      weights.push(durationUs);
      lastId = nodeId;
    }
  }
  return { type: 'sampled', name, unit: 'microseconds', startValue: 0, endValue, samples, weights };
}

class Frames {
  readonly all: SpeedscopeFrame[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(frame: CallFrame): number {
    const key = frameKey(frame);
    let index = this.#indices.get(key);
    if (index === undefined) {
      const { functionName, url, lineNumber, columnNumber } = frame;
      index =
        this.all.push({
          name: functionName === '' ? '(anonymous)' : functionName,
          ...(url === '' ? {} : { file: url }),
          ...(lineNumber < 0 ? {} : { line: lineNumber + 1 }),
          ...(columnNumber < 0 ? {} : { col: columnNumber + 1 }),
        }) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }
}
