// Packages from npm as they are, and with checkpoints: what real code has loops for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformIn } from '../src/transform.ts';
import { evaluate, type Exports } from './evaluate.ts';

const require = createRequire(import.meta.url);

/** CommonJS files, by what they are imported by. */
export const FILES = {
  json5: 'json5/dist/index.js',
  'jsonc-parser': 'jsonc-parser/lib/umd/main.js',
  'secure-json-parse': 'secure-json-parse/index.js',
  timsort: 'timsort/build/timsort.js',
} as const;

export type Name = keyof typeof FILES;

export interface Loaded {
  readonly exports: Exports;
  readonly loops: number;
  readonly functions: number;
}

/** @param turns undefined: as it is */
export function load(name: Name, turns?: number): Loaded {
  let loops = 0;
  let functions = 0;
  const modules = new Map<string, Exports>();
  const loadFile = (path: string): Exports => {
    const known = modules.get(path);
    if (known !== undefined) return known;
    const source = readFileSync(path, 'utf8');
    const result = turns === undefined ? undefined : transformIn(turns, source, { filename: path });
    loops += result?.loops ?? 0;
    functions += result?.functions ?? 0;
    const exports = evaluate(result?.code ?? source, (id) =>
      id.startsWith('.') ? loadFile(`${join(dirname(path), id).replace(/\.js$/, '')}.js`) : require(id),
    );
    modules.set(path, exports);
    return exports;
  };
  const exports = loadFile(fileURLToPath(new URL(`../node_modules/${FILES[name]}`, import.meta.url)));
  return { exports, loops, functions };
}
