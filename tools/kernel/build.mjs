// Compiles the kernel of a package.
//   node ../../tools/kernel/build.mjs        in a package's folder
// 1. src/layout.ts -> kernel/layout.generated.ts: every struct, bit table and number it exports, as i32 constants.
//      export const cell = struct(…, { word: … })   ->  CELL_WORD (byte offset), CELL_BYTES
//      export const word = bits(…, { tokens: 8 })   ->  WORD_TOKENS_SHIFT, _MASK, _ONE (within its half)
//      export const MAX_SPINS = 100                 ->  MAX_SPINS
// 2. kernel/index.ts and what it imports -> Wasm -> src/kernel.generated.ts: the module as base64 and an interface of its exports.
// Idempotent: does nothing when the sources, this file and the compiler are those recorded in the output.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(import.meta.url);
const root = resolve(dirname(here), '../..');
const require = createRequire(import.meta.url);
const IMPORT = /^(?:import|export)\b[^'"]*?from\s+'([^']+)'/gms;
const EXPORT = /^export function (\w+)\(([^)]*)\): (i32|void) \{$/gms;

/** A kernel import is relative (`./x.ts`) or another package's kernel (`@corelane/name/kernel/x`). */
function locate(specifier, from) {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier.replace(/(\.ts)?$/, '.ts'));
  const match = /^@corelane\/([\w-]+)\/kernel\/([\w.-]+)$/.exec(specifier);
  if (!match) throw new Error(`${relative(root, from)}: a kernel may not import '${specifier}'`);
  return join(root, 'packages', match[1], 'kernel', `${match[2]}.ts`);
}

function collect(file, sources = new Map()) {
  if (sources.has(file)) return sources;
  const text = readFileSync(file, 'utf8');
  sources.set(file, text);
  for (const [, specifier] of text.matchAll(IMPORT)) collect(locate(specifier, file), sources);
  return sources;
}

/** Sections of the binary by id, as { id: payload length }: a kernel must have no data and no start function. */
function sections(wasm) {
  const found = {};
  for (let at = 8; at < wasm.length;) {
    const id = wasm[at++];
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    found[id] = length;
    at += length;
  }
  return found;
}

function declaration(sources, names) {
  const signatures = new Map();
  for (const text of sources.values())
    for (const [, name, parameters, result] of text.matchAll(EXPORT))
      signatures.set(name, { parameters, result });
  const lines = names.map((name) => {
    const found = signatures.get(name);
    if (!found)
      throw new Error(`no 'export function ${name}(…): i32 | void' found for an export of the kernel`);
    const parameters = found.parameters
      .split(',')
      .map((p) => p.trim().replace(/: i32$/, ': number'))
      .filter(Boolean);
    return `  ${name}: (${parameters.join(', ')}) => ${found.result === 'i32' ? 'number' : 'void'};`;
  });
  return `export interface KernelExports {\n${lines.join('\n')}\n}\n`;
}

/** Runs in a child: `layout.ts` imports packages from source, which is a condition of the process. */
const PRINT_LAYOUT = `
  const snake = (name) => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
  const lines = [];
  const put = (name, value) => lines.push('export const ' + name + ': i32 = ' + value + ';');
  const module = await import(process.argv[1]);
  for (const name of Object.keys(module).sort()) {
    const value = module[name];
    const prefix = snake(name);
    if (Number.isInteger(value) && value === (value | 0)) put(prefix, value);
    if (value?.type === 'struct') {
      for (const field of value.fields) put(prefix + '_' + snake(field.name), field.offsetBytes);
      put(prefix + '_BYTES', value.bytes);
    }
    if (value?.type === 'bits')
      for (const field of value.fields)
        for (const part of ['shift', 'mask', 'one']) put(prefix + '_' + snake(field.name) + '_' + part.toUpperCase(), field[part]);
  }
  console.log(lines.join('\\n'));
`;

function writeLayout(packageDir) {
  const layout = join(packageDir, 'src/layout.ts');
  const out = join(packageDir, 'kernel/layout.generated.ts');
  const inputs = [
    layout,
    here,
    join(root, 'packages/shared-memory/src/struct.ts'),
    join(root, 'packages/shared-memory/src/bits.ts'),
  ];
  const hash = createHash('sha256');
  for (const file of inputs) hash.update(readFileSync(file));
  const stamp = `// Generated from src/layout.ts by tools/kernel/build.mjs. inputs sha256: ${hash.digest('hex')}`;
  if (existsSync(out) && readFileSync(out, 'utf8').startsWith(stamp)) return;
  const child = spawnSync(
    process.execPath,
    [
      '--conditions=@corelane/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      PRINT_LAYOUT,
      pathToFileURL(layout).href,
    ],
    { encoding: 'utf8' },
  );
  if (child.status !== 0) throw new Error(`${relative(root, layout)} could not be loaded\n${child.stderr}`);
  replaceFile(out, `${stamp}\n\n${child.stdout}`);
}

/** Whole or not at all: another process may be reading it. */
function replaceFile(file, text) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}

/** Packages with a kernel that this one's layout or kernel may import. */
function kernelDependencies(packageDir) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@corelane/'))
    .map((name) => join(root, 'packages', name.slice('@corelane/'.length)))
    .filter((dir) => existsSync(join(dir, 'kernel/index.ts')));
}

export async function buildKernel(packageDir, { quiet = false } = {}) {
  const entry = join(packageDir, 'kernel/index.ts');
  const out = join(packageDir, 'src/kernel.generated.ts');
  for (const dependency of kernelDependencies(packageDir)) await buildKernel(dependency, { quiet });
  if (existsSync(join(packageDir, 'src/layout.ts'))) writeLayout(packageDir);
  const sources = collect(entry);
  const compiler = JSON.parse(readFileSync(require.resolve('assemblyscript/package.json'), 'utf8')).version;
  const hash = createHash('sha256').update(compiler).update(readFileSync(here));
  for (const [file, text] of sources) hash.update(relative(root, file)).update('\0').update(text);
  const stamp = `// Generated from kernel/ by tools/kernel/build.mjs. inputs sha256: ${hash.digest('hex')}`;
  if (existsSync(out) && readFileSync(out, 'utf8').startsWith(stamp)) return false;

  // asc sees a flat folder, so that imports by package name need no node_modules: names are unique by package and file.
  const flat = (file) => relative(root, file).replaceAll(/[/\\]/g, '_');
  const files = new Map();
  for (const [file, text] of sources)
    files.set(
      flat(file),
      text.replaceAll(IMPORT, (line, specifier) =>
        line.replace(`'${specifier}'`, `'./${flat(locate(specifier, file)).slice(0, -3)}'`),
      ),
    );

  const { default: asc } = await import('assemblyscript/asc');
  let wasm;
  const { error, stderr } = await asc.main(
    [
      flat(entry),
      ...['-o', 'kernel.wasm', '-O3', '--converge', '--runtime', 'stub', '--noAssert', '--enable', 'threads'],
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    {
      readFile: (name) => files.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`asc failed: ${error?.message ?? ''}\n${String(stderr)}`);
  const found = sections(wasm);
  if (found[8] || found[11])
    throw new Error('a kernel must have no start function and no data: it shares its memory');
  const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm))
    .filter((e) => e.kind === 'function')
    .map((e) => e.name);
  replaceFile(
    out,
    `${stamp}\n\n${declaration(sources, names)}\n/** ${wasm.length} bytes of Wasm. */\nexport const kernelBase64: string =\n  '${Buffer.from(wasm).toString('base64')}';\n`,
  );
  if (!quiet)
    console.log(`${relative(root, packageDir)}: kernel of ${wasm.length} bytes, exports ${names.join(' ')}`);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildKernel(process.cwd());
