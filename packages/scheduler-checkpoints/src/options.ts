// Options, checked once.
import { CheckpointsOptionError } from './errors.ts';

/**
 * Which functions have a checkpoint at their start: none; those that may call themselves, by way of others of their file, as far as names tell; or all of them but constructors of
 * classes that extend another one.
 */
export type FunctionEntries = 'none' | 'recursive' | 'all';

const ENTRIES: readonly string[] = ['none', 'recursive', 'all'] satisfies FunctionEntries[];

export interface CheckpointsOptions {
  /** `recursive` by default: what loops by calling itself can be stopped, too. */
  readonly functions?: FunctionEntries;
}

export interface TransformOptions extends CheckpointsOptions {
  /** Its extension says how it is parsed: .js .jsx .ts .tsx, .mjs .mts as modules, .cjs .cts as CommonJS. Also the source in the source map. */
  readonly filename: string;
}

/** Some files: those whose path matches one of them, or of which the function says so. Paths as the bundler gives them, without a query. */
export type FileFilter = RegExp | readonly RegExp[] | ((path: string) => boolean);

export interface PluginOptions extends CheckpointsOptions {
  /** All files by default. */
  readonly include?: FileFilter;
  /** Beyond those that are not included; what lies in a folder `node_modules` by default. */
  readonly exclude?: FileFilter;
}

const IN_NODE_MODULES = /[\\/]node_modules[\\/]/;
/** Runs tasks: must be neither stopped nor overtaken in the middle. */
const RUNS_TASKS = /[\\/]node_modules[\\/]@corelane[\\/]/;

/** @throws CheckpointsOptionError */
function checkFunctions(functions: FunctionEntries = 'recursive'): FunctionEntries {
  if (ENTRIES.includes(functions)) return functions;
  throw new CheckpointsOptionError('functions', functions, `one of ${ENTRIES.join(', ')}`);
}

/** @throws CheckpointsOptionError */
export function checkTransformOptions(options: TransformOptions): Required<TransformOptions> {
  checkNames(options, ['functions', 'filename']);
  if (typeof options.filename !== 'string' || options.filename === '')
    throw new CheckpointsOptionError('filename', options.filename, 'the path of the file');
  return { filename: options.filename, functions: checkFunctions(options.functions) };
}

/** @returns what becomes of files, and which. @throws CheckpointsOptionError */
export function checkPluginOptions(options: PluginOptions): {
  readonly functions: FunctionEntries;
  readonly isMeant: (path: string) => boolean;
} {
  checkNames(options, ['functions', 'include', 'exclude']);
  const include = options.include === undefined ? (): boolean => true : matcher('include', options.include);
  const exclude = matcher('exclude', options.exclude ?? IN_NODE_MODULES);
  return {
    functions: checkFunctions(options.functions),
    isMeant: (path) => include(path) && !exclude(path) && !RUNS_TASKS.test(path),
  };
}

function checkNames(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new CheckpointsOptionError('options', options, 'an object');
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new CheckpointsOptionError('options', name, known.join(', '));
}

function matcher(name: string, filter: FileFilter): (path: string) => boolean {
  if (typeof filter === 'function') return filter;
  const list = Array.isArray(filter) ? (filter as readonly unknown[]) : [filter];
  for (const each of list)
    if (!(each instanceof RegExp))
      throw new CheckpointsOptionError(name, each, 'a regular expression, an array of them, or a function');
  // Not `test`: it would move the lastIndex of those that are global.
  return (path) => list.some((each) => path.search(each as RegExp) >= 0);
}
