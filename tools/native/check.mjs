// `npm run check:native`: the addons under AddressSanitizer and UndefinedBehaviorSanitizer.
//   node tools/native/check.mjs [--package platform]… [--calls 4000] [--seed 1] [--skip-tests] [--where-possible]
// Of all packages that have one, or of those that are named:
// 1. gcc's static analyzer over native/*.c.
// 2. Self-check: copies of the sources with a known fault each (FAULTS of subjects/PACKAGE.mjs) must be reported, or all of this proves nothing.
// 3. Fuzz: fuzz.mjs, every function with hostile arguments.
// 4. The tests that use the addon, in a copy of the package which has the sanitized binary in place of the real one.
//
// Without gcc and its sanitizers this fails; with --where-possible it says so and passes, unless CORELANE_REQUIRE_NATIVE=1 (CI).
//
// The copy is a workspace of links in a temporary folder, and only the package itself is copied: no published code knows a way to load
// another binary, and the working tree is left alone. The runtime of the sanitizers is preloaded into node, and so into all that tests start.
//
// Everything but the tests runs side by side, as much at a time as there are processors (run.mjs).
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { COMMON, HEADERS, findCompiler, hostTarget, sourcesOf } from './build.mjs';
import { run } from './run.mjs';
import { compileObjects, link, withFile } from './sanitized.mjs';

const { values } = parseArgs({
  options: {
    package: { type: 'string', multiple: true },
    calls: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
    'skip-tests': { type: 'boolean', default: false },
    'where-possible': { type: 'boolean', default: false },
  },
});
const root = join(import.meta.dirname, '../..');
/** Packages with C in them. */
const packages =
  values.package ??
  readdirSync(join(root, 'packages')).filter((name) => existsSync(join(root, 'packages', name, 'native')));
const FUZZ = join(import.meta.dirname, 'fuzz.mjs');

/** Where gcc's analyzer is known to say nothing wrong. Other versions' findings are shown, and fail nothing. */
const ANALYZER_MAJOR = '12';
/** Of the one function that shows a fault. */
const FAULT_CALLS = '20000';
const FAULT_ATTEMPTS = 4;
const ENOUGH_MS = 10 * 60_000;

class CheckError extends Error {}
/** This machine has not what it takes. */
class ToolchainError extends CheckError {}

/** Says what was done `since` (ms of performance.now()); other things ran at the same time. */
function done(name, what, since) {
  console.log(`check:native: ${name}: ${what} (${((performance.now() - since) / 1000).toFixed(1)} s)`);
}

/** The compiler, and the runtime that must be in the process before node is. */
function toolchain() {
  const target = hostTarget();
  if (target === undefined) throw new ToolchainError(`sanitizers are for Linux, this is ${process.platform}`);
  const compiler = findCompiler(target);
  if (typeof compiler === 'string') throw new ToolchainError(compiler);
  const [command, ...own] = compiler.command;
  const r = spawnSync(command, [...own, '-print-file-name=libasan.so'], { encoding: 'utf8' });
  const runtime = (r.stdout ?? '').trim();
  // Where both are installed, clang answers with gcc's runtime, which its code does not fit.
  if (/clang/.test(compiler.version) || !isAbsolute(runtime) || !existsSync(runtime))
    throw new ToolchainError(
      `${compiler.command.join(' ')} (${compiler.version}) has no libasan.so of its own; needed is gcc with its sanitizers ` +
        '(Debian: gcc brings libgcc-*-dev and libasan; CC=gcc where another compiler is cc)',
    );
  return { target, compiler, runtime };
}

const folderOf = (name) => join(root, 'packages', name);

async function analyze(name, { command: [command, ...own] }) {
  const since = performance.now();
  const version = await run(command, [...own, '-dumpversion']);
  const major = version.stdout.trim().split('.')[0];
  const files = sourcesOf(folderOf(name)).filter((file) => file.endsWith('.c'));
  const flags = ['-std=gnu11', '-O2', '-fanalyzer', '-Werror', `-I${HEADERS}`, `-I${COMMON}`];
  const analyzeFile = async (file) => {
    const { status, stderr } = await run(command, [...own, ...flags, '-c', '-o', '/dev/null', file]);
    if (status === 0) return;
    if (major === ANALYZER_MAJOR) throw new CheckError(`gcc -fanalyzer on ${file}:\n${stderr}`);
    console.log(
      `gcc ${major} -fanalyzer on ${file}, not counted (known is version ${ANALYZER_MAJOR}):\n${stderr}`,
    );
  };
  await Promise.all(files.map(analyzeFile));
  done(name, `gcc -fanalyzer, ${files.length} files`, since);
}

function environment(runtime) {
  return {
    ...process.env,
    LD_PRELOAD: runtime,
    // Node frees nothing when it ends, so that leaks cannot be told. A report ends the process.
    ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:exitcode=99',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1:exitcode=99',
    CORELANE_REQUIRE_NATIVE: '1',
    CORELANE_NO_NATIVE: '',
  };
}

/** @returns the report, or nothing where there was none */
async function fuzz(name, addon, runtime, log, more = []) {
  const args = [
    FUZZ,
    addon,
    '--package',
    name,
    '--declared',
    join(folderOf(name), 'src'),
    '--calls',
    values.calls,
    '--seed',
    values.seed,
    '--log',
    log,
    ...more,
  ];
  const { status, stderr } = await run(process.execPath, args, {
    env: environment(runtime),
    timeout: ENOUGH_MS,
  });
  if (status === 0) return undefined;
  const call = existsSync(log) ? readFileSync(log, 'utf8').trim() : 'none';
  return `ended with ${status}; last call: ${call}\n${stderr}`;
}

/** Builds the addon with the fault, and sees that it is reported. */
async function findFault(name, fault, copy, objects, tools) {
  const { what, by, file, from, to, report } = fault;
  const original = sourcesOf(folderOf(name)).find((source) => basename(source) === file);
  const source = readFileSync(original, 'utf8');
  if (!source.includes(from)) throw new CheckError(`the fault "${what}" no longer fits ${file}: ${from}`);
  mkdirSync(copy);
  writeFileSync(join(copy, file), source.replace(from, to));
  const faulty = await withFile(tools, folderOf(name), objects, join(copy, file));
  const addon = await link(tools, faulty, join(copy, 'faulty.node'));
  let found;
  // A fault shows itself in another way, too (a page that is not there, say); the report that is meant must be among a few tries.
  for (let attempt = 0; attempt < FAULT_ATTEMPTS && !(found !== undefined && report.test(found)); attempt++) {
    const seed = String(Number(values.seed) + attempt);
    const only = ['--only', by, '--calls', FAULT_CALLS, '--seed', seed];
    // eslint-disable-next-line no-await-in-loop -- another try where this one found something else
    found = await fuzz(name, addon, tools.runtime, join(copy, 'log'), only);
  }
  if (found === undefined || !report.test(found))
    throw new CheckError(`the fault "${what}" was not reported as ${report}; found: ${found ?? 'nothing'}`);
}

async function selfCheck(name, work, objects, tools) {
  const since = performance.now();
  const subject = join(import.meta.dirname, 'subjects', `${name}.mjs`);
  const { FAULTS: faults = [] } = existsSync(subject) ? await import(subject) : {};
  if (faults.length === 0)
    throw new CheckError(
      `there are no known faults for it in ${subject}: nothing would prove that any is found`,
    );
  await Promise.all(
    faults.map((fault, n) => findFault(name, fault, join(work, `fault-${n}`), objects, tools)),
  );
  done(name, `self-check, ${faults.length} known faults are found`, since);
}

async function fuzzAll(name, work, addon, { runtime }) {
  const since = performance.now();
  const found = await fuzz(name, addon, runtime, join(work, 'log'));
  if (found !== undefined) throw new CheckError(`${name}: fuzz, seed ${values.seed}: ${found}`);
  done(
    name,
    `fuzz, ${values.calls} calls of each function on each of two threads, seed ${values.seed}`,
    since,
  );
}

/** A workspace of links around a copy of the package with the sanitized binary in it. */
function workspace(name, work, addon, target) {
  const copy = join(work, 'workspace');
  mkdirSync(join(copy, 'packages'), { recursive: true });
  for (const entry of ['node_modules', 'tools', 'package.json', 'tsconfig.base.json'])
    symlinkSync(join(root, entry), join(copy, entry));
  for (const other of readdirSync(join(root, 'packages')))
    if (other !== name) symlinkSync(folderOf(other), join(copy, 'packages', other));
  const folder = folderOf(name);
  const own = join(copy, 'packages', name);
  const skipped = new Set([join(folder, 'dist'), join(folder, 'node_modules/.cache')]);
  cpSync(folder, own, { recursive: true, verbatimSymlinks: true, filter: (from) => !skipped.has(from) });
  cpSync(addon, join(own, 'npm', target, `${name}.node`));
  writeFileSync(
    join(copy, 'vitest.config.mjs'),
    `export default { test: { projects: ['packages/${name}'], testTimeout: 60_000 } };\n`,
  );
  return copy;
}

function test(name, copy, runtime) {
  const since = performance.now();
  const tests = join(copy, 'packages', name, 'test');
  const files = readdirSync(tests, { recursive: true }).filter(
    (file) =>
      file.endsWith('.test.ts') && /native-mode|loadNative/.test(readFileSync(join(tests, file), 'utf8')),
  );
  if (files.length === 0) throw new CheckError('no test uses the addon');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [
    vitest,
    'run',
    '--root',
    copy,
    '--testTimeout=60000',
    ...files.map((file) => join('test', file)),
  ];
  const r = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    cwd: copy,
    env: environment(runtime),
    timeout: ENOUGH_MS,
  });
  if (r.status !== 0)
    throw new CheckError(`the tests with the sanitized addon ended with ${r.status ?? r.signal}`);
  done(name, `tests with the sanitized addon, ${files.length} files`, since);
}

/** All that is above but the tests, of one package. @returns the sanitized addon */
async function check(name, work, tools) {
  mkdirSync(work);
  const objects = await compileObjects(tools, folderOf(name), work);
  const addon = await link(tools, objects, join(work, 'sanitized.node'));
  // The longest first. A failure is told when nothing runs any more that would meet folders which are gone.
  const parts = [
    fuzzAll(name, work, addon, tools),
    selfCheck(name, work, objects, tools),
    analyze(name, tools.compiler),
  ];
  for (const { reason } of await Promise.allSettled(parts)) if (reason !== undefined) throw reason;
  return addon;
}

async function checkAll(tools) {
  for (const name of packages)
    if (!existsSync(join(folderOf(name), 'native'))) throw new CheckError(`${name} has no native/*.c`);
  const work = mkdtempSync(join(tmpdir(), 'corelane-native-'));
  try {
    const checks = packages.map((name) => check(name, join(work, name), tools));
    const outcomes = await Promise.allSettled(checks);
    for (const { reason } of outcomes) if (reason !== undefined) throw reason;
    if (values['skip-tests']) return;
    for (const [n, name] of packages.entries())
      test(name, workspace(name, join(work, name), outcomes[n].value, tools.target), tools.runtime);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  await checkAll(toolchain());
} catch (error) {
  if (!(error instanceof CheckError)) throw error;
  console.error(`check:native: ${error.message}`);
  const passes = error instanceof ToolchainError && values['where-possible'];
  if (!passes || process.env.CORELANE_REQUIRE_NATIVE === '1') process.exitCode = 1;
}
