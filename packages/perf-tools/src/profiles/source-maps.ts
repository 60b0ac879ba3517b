// Profiles with the names and places of what was written, where scripts were compiled or bundled from it and say so by source maps.
//
// V8 places a function at its list of parameters. Maps have a name for an identifier that was renamed, before that list: it is looked for in the
// text of the script. With @jridgewell/trace-mapping, which vite, babel and the coverage of vitest map with.
import { traceSegment } from '@jridgewell/trace-mapping';
import { ArgumentRangeError, checkInteger, checkNames } from '../errors.ts';
import { profileList, type Profiles } from './call-tree.ts';
import type { CallFrame, ProfileNode } from './cpu-profile.ts';
import type { NamedProfile } from './recording.ts';
import { SourceMapError, type SourceMapProblemKind } from './source-map-error.ts';
import { pathOfScript, SourceMapFiles, type MappedScript } from './source-map-files.ts';

export interface SourceMapOptions {
  /** Where the script of a frame is on this machine, an absolute path; undefined: its frames stay as they are. By default where its URL says. */
  readonly locate?: (url: string) => string | undefined;
  /** Bytes of a script or a map at most, 64 MiB by default; of all together four times that. */
  readonly mostBytes?: number;
}

/** A script whose frames stayed as they were, and why. */
export interface SourceMapProblem {
  /** As in the profile. */
  readonly url: string;
  readonly kind: SourceMapProblemKind;
  readonly message: string;
}

export interface SourceMapped {
  /** As they were given, with other frames. `positionTicks` of those are gone: they are lines of the script. */
  readonly profiles: readonly NamedProfile[];
  /** Once for each script. */
  readonly problems: readonly SourceMapProblem[];
  /** Nodes that have another frame now. */
  readonly mappedNodes: number;
}

const DEFAULT_MOST_BYTES = 64 * 2 ** 20;
const IN_ALL = 4;

/**
 * Reads scripts and their maps, by the comment `//# sourceMappingURL=` (inline or a file) or a file `.map` beside them. Synchronous.
 * @throws ArgumentRangeError, ProfileFormatError
 */
export function applySourceMaps(input: Profiles, options: SourceMapOptions = {}): SourceMapped {
  const profiles = profileList(input);
  checkNames('applySourceMaps', options, ['locate', 'mostBytes']);
  const { locate = pathOfScript, mostBytes = DEFAULT_MOST_BYTES } = options;
  if (typeof locate !== 'function') throw new ArgumentRangeError('locate', locate, 'a function');
  checkInteger('mostBytes', mostBytes, 1, 2 ** 29); // of a string of V8
  const files = new SourceMapFiles(mostBytes, IN_ALL * mostBytes);
  const scripts = new Map<string, MappedScript | undefined>();
  const problems: SourceMapProblem[] = [];
  let mappedNodes = 0;

  const scriptOf = (url: string): MappedScript | undefined => {
    if (scripts.has(url)) return scripts.get(url);
    let script: MappedScript | undefined;
    const path = url === '' ? undefined : locate(url);
    try {
      script = path === undefined ? undefined : files.scriptAt(path);
    } catch (error) {
      if (!(error instanceof SourceMapError)) throw error;
      problems.push({ url, kind: error.kind, message: error.message });
    }
    scripts.set(url, script);
    return script;
  };

  const mappedNode = (node: ProfileNode): ProfileNode => {
    const script = scriptOf(node.callFrame.url);
    const callFrame = script === undefined ? undefined : mappedFrame(node.callFrame, script);
    if (callFrame === undefined) return node;
    mappedNodes += 1;
    const { positionTicks: _, ...rest } = node;
    return { ...rest, callFrame };
  };

  const mapped = profiles.map((named) => ({
    ...named,
    profile: { ...named.profile, nodes: named.profile.nodes.map(mappedNode) },
  }));
  return { profiles: mapped, problems, mappedNodes };
}

/** Undefined where the map says nothing of that place: code of the bundler. */
function mappedFrame(frame: CallFrame, { lines, map }: MappedScript): CallFrame | undefined {
  const { functionName, lineNumber, columnNumber } = frame;
  if (lineNumber < 0 || columnNumber < 0) return undefined;
  const segment = traceSegment(map, lineNumber, columnNumber);
  if (segment === null || segment.length === 1) return undefined;
  const url = map.sources[segment[1]] === null ? '' : map.resolvedSources[segment[1]];
  // A map is another's: its numbers may be anything.
  if (typeof url !== 'string' || url === '' || !(segment[2] >= 0) || !(segment[3] >= 0)) return undefined;
  const column = columnOfName(lines[lineNumber] ?? '', columnNumber, functionName);
  const named = column === undefined ? null : traceSegment(map, lineNumber, column);
  const name = named?.length === 5 && named[0] === column ? map.names[named[4]] : undefined;
  return {
    ...frame,
    functionName: typeof name === 'string' && name !== '' ? name : functionName,
    url,
    lineNumber: segment[2],
    columnNumber: segment[3],
  };
}

/** Names are short, and texts of strangers are searched for them. */
const LONGEST_NAME = 500;
/** What may be between a function's name and its parameters. */
const BETWEEN = /\s*(?:[=:]\s*)?(?:\(\s*)?(?:async\b\s*)?(?:function\b\s*\*?\s*)?$/;

/** Where the name of a function that begins at `column` is written, if it is on the same line before it: of a declaration, a method, or what it is assigned to. */
function columnOfName(line: string, column: number, name: string): number | undefined {
  if (name === '' || name.length > LONGEST_NAME) return undefined;
  const before = line.slice(Math.max(0, column - name.length - 80), column);
  const upToName = before.replace(BETWEEN, '');
  if (!upToName.endsWith(name)) return undefined;
  return column - before.length + upToName.length - name.length;
}
