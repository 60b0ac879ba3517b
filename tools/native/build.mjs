// Compiles the addon of a package: every native/*.c and what is common to all (common/), in one call of the C compiler.
//   node ../../tools/native/build.mjs [--target linux-arm64] [--sanitize] [--out FILE]      in a package's folder
// The result is npm/<target>/<package>.node, where the optional dependency of that target has it. Without `--target`: this machine's.
//
// One binary per processor, for glibc and musl: it is linked without a libc, and its symbols are those of the process that loads it.
// `--sanitize` builds with AddressSanitizer and UndefinedBehaviorSanitizer (needs `--out`, and their runtime preloaded by who loads it).
//
// Without a compiler: installs Debian's where it may (root), else says so and leaves the package to its fallback. With
// CORELANE_REQUIRE_NATIVE=1 (CI) that is an error. Idempotent by a stamp of sources, compiler and flags beside the binary.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(import.meta.url);
const require = createRequire(import.meta.url);
export const HEADERS = require('node-api-headers').include_dir;
const HEADERS_VERSION = require('node-api-headers/package.json').version;

/** What all addons share. */
export const COMMON = join(dirname(here), 'common');

/** The compilers to try, and the Debian packages that bring the first of them. */
const TARGETS = {
  'linux-x64': { compilers: ['cc', 'gcc', 'clang'], native: 'x64', packages: ['gcc', 'libc6-dev'] },
  'linux-arm64': { compilers: ['cc', 'gcc', 'clang'], native: 'arm64', packages: ['gcc', 'libc6-dev'] },
};
const CROSS = {
  'linux-arm64': {
    compilers: ['aarch64-linux-gnu-gcc'],
    packages: ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'],
  },
  'linux-x64': {
    compilers: ['x86_64-linux-gnu-gcc'],
    packages: ['gcc-x86-64-linux-gnu', 'libc6-dev-amd64-cross'],
  },
};
const FLAGS = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fPIC', '-fvisibility=hidden', '-shared'].concat(
  // An addon goes with the last thread that loaded it; what other threads still refer to stays mapped (parking.c).
  ['-Wl,-z,nodelete'],
);
// -z now: a symbol that the process lacks is an error at loading, not a crash at the first call.
const RELEASE = ['-O2', '-g0', '-nostdlib', '-fno-stack-protector', '-U_FORTIFY_SOURCE', '-Wl,-z,now', '-s'];
/** Atomics in line, for there is no libgcc to call. */
const BY_TARGET = { 'linux-arm64': ['-mno-outline-atomics'], 'linux-x64': [] };
const SANITIZE = [
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined,float-cast-overflow', // the last is not one of the second
  '-fno-sanitize-recover=all',
];

export function hostTarget() {
  return process.platform === 'linux' ? `linux-${process.arch}` : undefined;
}

/** @param {string[]} command with arguments */
function works([command, ...args]) {
  const r = spawnSync(command, [...args, '--version'], { encoding: 'utf8' });
  return r.status === 0 ? r.stdout.split('\n')[0] : undefined;
}

/** As make has it: `CC` may have arguments (`ccache gcc`), and empty is not set. */
function chosenCompiler(target) {
  const words = (process.env.CC ?? '').split(/\s+/).filter(Boolean);
  return words.length > 0 && target === hostTarget() ? words : undefined;
}

/** `{ command, version }`, the command with its arguments, or why there is none. */
export function findCompiler(target) {
  const { compilers, packages } = TARGETS[target].native === process.arch ? TARGETS[target] : CROSS[target];
  const chosen = chosenCompiler(target);
  const wanted = chosen === undefined ? compilers.map((name) => [name]) : [chosen];
  const look = () =>
    wanted
      .map((command) => ({ command, version: works(command) }))
      .find(({ version }) => version !== undefined);
  const present = look();
  if (present !== undefined) return present;
  // Installing another one would not be what was chosen.
  if (chosen !== undefined) return `CC is ${JSON.stringify(process.env.CC)}, which does not run`;
  const lacking = `no C compiler for ${target} (looked for ${compilers.join(', ')})`;
  if (process.getuid?.() !== 0 || works(['apt-get']) === undefined)
    return `${lacking}; install ${packages.join(' and ')}`;
  console.error(`native: ${lacking}; installing ${packages.join(' and ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const r = spawnSync('apt-get', args, { encoding: 'utf8', env });
    if (r.status !== 0) return `${lacking}; apt-get ${args[0]} failed: ${r.stderr.trim().split('\n').at(-1)}`;
  }
  return look() ?? lacking;
}

/** The C files and headers of a package's addon: its own, and those of COMMON that it has none of its own for. */
export function sourcesOf(folder) {
  const byName = new Map();
  for (const native of [COMMON, join(folder, 'native')])
    for (const entry of readdirSync(native).toSorted())
      if (/\.[ch]$/.test(entry)) byName.set(entry, join(native, entry));
  return [...byName.values()];
}

/** What the C compiler is told, whatever the file. */
export function flagsOf(target, { sanitize }) {
  return [...FLAGS, ...BY_TARGET[target], ...(sanitize ? SANITIZE : RELEASE)];
}

/**
 * @param {string} folder the package
 * @param {{ target?: string, sanitize?: boolean, out?: string }} options
 * @returns {string | undefined} the binary, or nothing where it cannot be built (said on stderr)
 */
export function buildNative(folder, { target = hostTarget(), sanitize = false, out } = {}) {
  const name = basename(folder);
  const giveUp = (why) => {
    if (process.env.CORELANE_REQUIRE_NATIVE === '1') throw new Error(`native: ${name}: ${why}`);
    console.error(`native: ${name}: ${why}; the package will run on its fallback`);
    return undefined;
  };
  if (target === undefined) return giveUp(`no addon for ${process.platform}-${process.arch}`);
  if (!Object.hasOwn(TARGETS, target)) return giveUp(`no addon for ${target}`);
  if (sanitize && out === undefined) throw new Error('native: --sanitize needs --out');

  const file = out ?? join(folder, 'npm', target, `${name}.node`);
  const compiler = findCompiler(target);
  if (typeof compiler === 'string') return giveUp(compiler);
  const sources = sourcesOf(folder);
  const flags = flagsOf(target, { sanitize });
  const stamp = createHash('sha256')
    .update(JSON.stringify([compiler, flags, HEADERS_VERSION, readFileSync(here, 'utf8')]))
    .update(JSON.stringify(sources.map((source) => [basename(source), readFileSync(source, 'utf8')])))
    .digest('hex');
  const stampFile = `${file}.stamp`;
  // With what was built: two builds at a time, or one that was killed, may leave the binary of one with the stamp of another.
  const stampOf = () => `${stamp} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
  if (existsSync(file) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stampOf()) return file;

  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`; // renamed into place: another process may have the old one loaded
  const cFiles = sources.filter((source) => source.endsWith('.c'));
  const [command, ...own] = compiler.command;
  const r = spawnSync(command, [...own, ...flags, `-I${HEADERS}`, `-I${COMMON}`, '-o', fresh, ...cFiles], {
    encoding: 'utf8',
  });
  if (r.status !== 0) throw new Error(`native: ${name}: ${compiler.command.join(' ')} failed\n${r.stderr}`);
  renameSync(fresh, file);
  writeFileSync(stampFile, stampOf());
  return file;
}

// Perhaps by way of a link.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === here) {
  const { values } = parseArgs({
    options: { target: { type: 'string' }, sanitize: { type: 'boolean' }, out: { type: 'string' } },
  });
  const file = buildNative(process.cwd(), values);
  if (file !== undefined) console.error(`native: ${file}`);
}
