#!/usr/bin/env node
// Runs a task of this repository on a machine that has only Node >= 18 and npm.
//   node tools/bootstrap.mjs <task> [args…]      tasks: see TASKS below
// 1. Node and pnpm: the ones on PATH where they will do, else exact versions from the npm registry in .toolchain/.
// 2. `pnpm install --frozen-lockfile` (about 20 ms where nothing changed).
// 3. The task. No dependencies, no TypeScript: this file must run on the oldest Node.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const NODE = '26.10.0';
const PNPM = '12.18.0';
const nodeOk = (v) => {
  const [major, minor] = v.split('.').map(Number);
  return (major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26;
};
const pnpmOk = (v) => Number(v.split('.')[0]) >= 12;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, '.toolchain');
const win = process.platform === 'win32';

const ROOT_CHECKS = ['lint', 'typecheck:tools', 'check:workspace', 'check:unused', 'check:size', 'smoke'];
const BUILD = ['nx', 'run-many', '-t', 'build', '--output-style=static'];
const STATIC = ['nx', 'run-many', '-t', 'build', 'typecheck', 'package-check', ...ROOT_CHECKS];
const evidence = (program, args, name = 'scheduler', kernels = name) => [
  ['nx', 'run', `${kernels}:wasm`, '--output-style=static'],
  [
    'node',
    '--conditions=@corelane/source',
    '--disable-warning=ExperimentalWarning',
    `packages/${name}/test/${program}.ts`,
    ...args,
  ],
];
const TASKS = {
  demo: (args) => [BUILD, ['node', 'apps/demo/dist/main.js', ...args]],
  bench: (args) => [BUILD, ['node', 'apps/bench/dist/main.js', ...args]],
  test: (args) => [BUILD, ['vitest', 'run', ...args]],
  'numa-lab': (args) => [
    BUILD,
    ['node', '--disable-warning=ExperimentalWarning', 'tools/numa-lab/src/main.ts', ...args],
  ],
  // Programs of the scheduler that print what its README says; `--` goes before their options.
  'crash-injection': (args) => evidence('crash-injection', args),
  'queue-million': (args) => evidence('queue-million', args),
  'event-loop': (args) => evidence('event-loop', args),
  hog: (args) => evidence('hog', args),
  'slow-lane': (args) => evidence('slow-lane', args),
  // Of perf-counters.
  'health-costs': (args) => evidence('health-costs', args, 'perf-counters'),
  'source-costs': (args) => evidence('source-costs', args, 'perf-counters'),
  // Of memory-tracker.
  'sampler-costs': (args) => evidence('sampler-costs', args, 'memory-tracker'),
  // Of perf-tools.
  'profile-costs': (args) => evidence('profile-costs', args, 'perf-tools', 'perf-counters'),
  'capacity-costs': (args) => evidence('capacity-costs', args, 'perf-tools', 'perf-counters'),
  'ends-at-once': (args) => evidence('ends-at-once', args, 'perf-tools', 'perf-counters'),
  'perf-map': (args) => evidence('perf-map', args, 'perf-tools', 'perf-counters'),
  'check:native': (args) => [BUILD, ['node', 'tools/native/check.mjs', ...args]],
  'check:static': () => [STATIC],
  check: () => [
    STATIC,
    ['vitest', 'run'],
    ['node', 'tools/native/check.mjs', '--skip-tests', '--where-possible'],
  ],
  setup: () => [],
  exec: (args) => [args],
};

let last = performance.now();
function lap(what) {
  const now = performance.now();
  if (process.env.BOOTSTRAP_TIMING) console.error(`bootstrap: ${what} ${((now - last) / 1000).toFixed(1)} s`);
  last = now;
}

function die(message) {
  console.error(`bootstrap: ${message}`);
  process.exit(1);
}

function run([command, ...args], { env = process.env, quiet = false } = {}) {
  const r = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    shell: win, // .cmd shims
  });
  return {
    ok: r.status === 0,
    status: r.status ?? 1,
    out: (r.stdout ?? '').trim(),
    err: [r.stderr, r.error?.message].filter(Boolean).join('\n').trim(),
  };
}

/** Installs exact versions into .toolchain/, once per set of versions. */
function ensureToolchain(specs) {
  if (specs.length === 0) return;
  const stamp = join(toolchain, 'installed.json');
  const wanted = JSON.stringify(specs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error(`bootstrap: getting ${specs.join(' and ')} from the npm registry …`);
  const fresh = `${toolchain}-${process.pid}`; // renamed into place, so that two runs at once do not meet
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n');
  const viaNpm = (process.env.npm_execpath ?? '').endsWith('npm-cli.js');
  const npm = viaNpm ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const r = run(
    [
      ...npm,
      'install',
      '--prefix',
      fresh,
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--ignore-scripts',
      ...specs,
    ], // neither package needs its install script
    { quiet: true },
  );
  if (!r.ok) {
    rmSync(fresh, { recursive: true, force: true });
    die(`npm could not install ${specs.join(' ')}\n${r.err || r.out}`);
  }
  writeFileSync(join(fresh, 'installed.json'), wanted);
  rmSync(toolchain, { recursive: true, force: true });
  renameSync(fresh, toolchain);
}

/** pnpm's native binary first: its .bin entry is a shim that starts Node for each call until an install script replaced it. */
function toolchainBins() {
  const modules = join(toolchain, 'node_modules');
  return [join(modules, '@pnpm', `exe.${process.platform}-${process.arch}`), join(modules, '.bin')].filter(
    existsSync,
  );
}

function nodePackage() {
  // Platform packages of npm's `node`: a plain binary with its headers, no install script.
  const os = win ? 'win' : process.platform;
  const prefix = os === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  return `${prefix}-${os}-${process.arch}@${NODE}`;
}

const [task = 'setup', ...args] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, task)) die(`no task '${task}'; there are: ${Object.keys(TASKS).join(', ')}`);

const env = { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: '0', NX_NO_CLOUD: 'true' };
env.NX_DAEMON ??= 'false';
// What `npm run` exports of npm's own settings is noise to every other tool, but for how to reach the registry.
for (const key of Object.keys(env)) {
  if (/^npm_(config|package|lifecycle)_/i.test(key) && !/registry|proxy|cafile|userconfig/i.test(key))
    delete env[key];
}

// One look at PATH; both tools go into one npm install where both are missing.
const missing = [];
if (!nodeOk(process.versions.node)) missing.push(nodePackage());
const found = run(['pnpm', '--version'], { env, quiet: true });
if (!(found.ok && pnpmOk(found.out))) missing.push(`pnpm@${PNPM}`);
ensureToolchain(missing);
lap('toolchain');

const pathKey = Object.keys(env).find((k) => k.toUpperCase() === 'PATH') ?? 'PATH';
env[pathKey] = [
  ...(missing.length > 0 ? toolchainBins() : []),
  join(root, 'node_modules', '.bin'),
  env[pathKey],
].join(delimiter);

if (!existsSync(join(root, 'node_modules'))) console.error('bootstrap: installing dependencies …');
// trust-lockfile: no metadata request per package; the lockfile's integrity hashes are still checked.
const install = run(['pnpm', 'install', '--frozen-lockfile', '--config.trust-lockfile=true'], {
  env,
  quiet: true,
});
lap('pnpm install');
if (!install.ok) die(`pnpm install failed\n${install.out}\n${install.err}`);

// Ctrl-C reaches every process in the foreground: the task decides what it means (the demo still reports), and we wait for its exit code.
process.on('SIGINT', () => undefined);

for (const command of TASKS[task](args)) {
  // The build says nothing unless it fails: what a terminal or `--json` shows is the task's own.
  const isBuild = command === BUILD;
  if (isBuild) console.error('bootstrap: building …');
  const r = run(command, { env, quiet: isBuild });
  if (isBuild && !r.ok) console.error(`${r.out}\n${r.err}`);
  lap(command.slice(0, 2).join(' '));
  if (!r.ok) process.exit(r.status);
}
