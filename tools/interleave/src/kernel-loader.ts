// Loads a kernel and what it imports on the twin, from texts that may have been changed: the modules of a mutant exist in memory only.
// Each load evaluates all modules afresh; the twin alone is shared, as it must be for a search to see the accesses. What a text compiles
// to is kept: a mutant changes one file, and its suite has dozens of mutants.
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { transformSync } from 'esbuild';
import { InterleaveError } from './machine.ts';
import * as twin from './twin.ts';

/** In scope everywhere, so that a patch may use a function of the seam that the file does not import. */
const seam = { ...twin };
const packages = fileURLToPath(new URL('../../../packages/', import.meta.url));

/** By file and text. */
const compiled = new Map<string, string>();

function compile(file: string, text: string): string {
  const key = `${file}\n${text}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  try {
    const options = { loader: 'ts', format: 'cjs', sourcefile: file, logLevel: 'silent' } as const;
    const { code } = transformSync(text, options);
    compiled.set(key, code);
    return code;
  } catch (error) {
    throw new InterleaveError('ERR_MUTANT', `${basename(file)} does not compile: ${String(error)}`);
  }
}

/** Same rules as tools/kernel/build.mjs: relative, or another package's kernel by name; `atomics` is the twin (undefined here). */
function locate(specifier: string, from: string): string | undefined {
  if (/(^|\/)atomics(\.ts)?$/.test(specifier)) return undefined;
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier.replace(/(\.ts)?$/, '.ts'));
  const match = /^@corelane\/([\w-]+)\/kernel\/([\w.-]+)$/.exec(specifier);
  if (!match) throw new InterleaveError('ERR_MUTANT', `${from}: a kernel may not import '${specifier}'`);
  return resolve(packages, match[1]!, 'kernel', `${match[2]!}.ts`);
}

/**
 * Evaluates the kernel file `entry`.
 * @param sources texts by path, used before the files on disk; texts that are read are added
 */
export function loadKernel(entry: string, sources: Map<string, string>): unknown {
  const modules = new Map<string, { exports: unknown }>();
  const evaluate = (file: string): unknown => {
    const known = modules.get(file);
    if (known) return known.exports;
    const text = sources.get(file) ?? readFileSync(file, 'utf8');
    sources.set(file, text);
    const code = compile(file, text);
    const module: { exports: unknown } = { exports: {} };
    modules.set(file, module);
    const requireKernel = (specifier: string): unknown => {
      const target = locate(specifier, file);
      return target === undefined ? seam : evaluate(target);
    };
    compileFunction(code, ['require', 'module', 'exports'], { filename: file, contextExtensions: [seam] })(
      requireKernel,
      module,
      module.exports,
    );
    // What a kernel exports never changes: as values they are found without a call of a getter each.
    module.exports = { ...(module.exports as object) };
    return module.exports;
  };
  return evaluate(entry);
}
