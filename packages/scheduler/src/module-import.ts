// Imports modules of tasks. Node 22 and 24 do not import TypeScript of CommonJS that requires ESM, this package for one ("request for … is not in cache",
// "module is not linked"), and after such an attempt they do not require it, either. So TypeScript of CommonJS is required to begin with.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isModuleNamespaceObject } from 'node:util/types';

/** A line with which no CommonJS begins once the types are gone. */
const ESM_STATEMENT = /^\s*(?:import|export)\b(?!\s*(?:\(|\.|type\b|interface\b))/m;
const REQUIRES = /\brequire\s*\(/;

/** @param module a URL. @returns its namespace; of CommonJS, what it exports, by name and as `default` */
export async function importModule(module: string): Promise<object> {
  if (!isCommonJsTypeScript(module)) return (await import(module)) as object;
  const exports: unknown = nodeModule().createRequire(module)(fileURLToPath(module));
  if (isModuleNamespaceObject(exports)) return exports as object;
  return { ...(exports as object), default: exports };
}

function isCommonJsTypeScript(module: string): boolean {
  if (!/^file:[^?#]*\.c?ts$/.test(module)) return false;
  // Who compiles it otherwise may know `import` alone.
  if (process.features.typescript === false) return false;
  if (module.endsWith('.cts')) return true;
  const type = packageType(module);
  if (type !== undefined) return type === 'commonjs';
  // Node looks at the source, too.
  const source = readFileSync(fileURLToPath(module), 'utf8');
  return REQUIRES.test(source) && !ESM_STATEMENT.test(source);
}

/** What the package of a file says that its files are. */
function packageType(module: string): unknown {
  const manifest = nodeModule().findPackageJSON(module);
  if (manifest === undefined) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { type?: unknown }).type;
}

function nodeModule(): typeof import('node:module') {
  return process.getBuiltinModule('node:module');
}
