// Puts checkpoints into a file.
// oxlint-disable-next-line import/no-named-as-default -- it is the one that its documentation imports
import MagicString, { type SourceMap } from 'magic-string';
import { Bindings } from './bindings.ts';
import { CheckpointsOptionError } from './errors.ts';
import { addFunctionEntries } from './function-edits.ts';
import { LoopEdits } from './loop-edits.ts';
import { unusedNames, type Names } from './names.ts';
import { checkTransformOptions, type TransformOptions } from './options.ts';
import { skippedNodes } from './skips.ts';
import { survey } from './survey.ts';
import { parse, type Node } from './syntax.ts';

export interface TransformResult {
  /** The same where there is nothing to do. */
  readonly code: string;
  /** From `code` to the file, with its text; undefined where there was nothing to do. */
  readonly map: SourceMap | undefined;
  /** With checkpoints now. */
  readonly loops: number;
  readonly functions: number;
}

/** Of the runtime. A file that has it was here before. */
const RUNTIME = 'globalThis[Symbol.for("@corelane/scheduler/checkpoints")]';
/** Guessed: a microsecond or two. */
const TURNS = 1024;
/** Checkpoints from one look to the next where no runtime is on the thread: as in the runtime. */
const MOST_CHECKPOINTS = 64;

/**
 * Puts checkpoints into the loops of a file, and into functions. What it does is the same as before: it throws where somebody who runs it has it thrown, and others may run in its middle.
 * TypeScript stays TypeScript, ESM stays ESM, CommonJS stays CommonJS; nothing is imported.
 * @throws CheckpointsSyntaxError, CheckpointsOptionError
 */
export function transform(code: string, options: TransformOptions): TransformResult {
  return transformIn(TURNS, code, options);
}

/** @param turns between two checkpoints of loops in which nothing is called: a power of two */
export function transformIn(turns: number, code: string, options: TransformOptions): TransformResult {
  const { filename, functions: entries } = checkTransformOptions(options);
  const unchanged: TransformResult = { code, map: undefined, loops: 0, functions: 0 };
  if (typeof code !== 'string') throw new CheckpointsOptionError('code', code, 'text');
  if (code.includes(RUNTIME)) return unchanged;
  const file = parse(code, filename);
  const { program } = file;
  const skipped = skippedNodes(code, file);
  const first = (program['body'] as readonly Node[]).find((each) => typeof each['directive'] !== 'string');
  if (skipped === undefined || first === undefined) return unchanged;

  const { loops, functions } = survey(program, skipped);
  const names = unusedNames(code);
  const text = new MagicString(code);
  // Edits at one place follow each other in the order in which they are made here.
  text.appendRight(first.start, prologue(names));
  const entered = addFunctionEntries(text, names, functions, entries);
  const edits = new LoopEdits(text, names, new Bindings(program), turns);
  const changed = loops.filter((each) => edits.add(each)).length;
  if (changed + entered === 0) return unchanged;
  return {
    code: text.toString(),
    map: text.generateMap({ source: filename, includeContent: true, hires: 'boundary' }),
    loops: changed,
    functions: entered,
  };
}

/**
 * What counts and looks. `var`, because functions of the module may be called before it is evaluated: undefined is never below 0, then. Found by a symbol, because what is bundled, or lies in
 * another folder of modules, could not import the runtime, or would have another one.
 */
function prologue({ left, look, runtime }: Names): string {
  return (
    `var ${left} = 0, ${runtime}; function ${look}() { ` +
    `return (${runtime} ??= ${RUNTIME}) === undefined ? ${MOST_CHECKPOINTS} : ${runtime}.look(); } `
  );
}
