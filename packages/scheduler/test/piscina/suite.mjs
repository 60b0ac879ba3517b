// Runs piscina's own tests against the entry point that stands in for it, and says how many pass:
//   npm run piscina-suite [-- DIRECTORY] [-- FILE…]
// The tests are those of the package that is fetched from the registry; they lead to `dist`, which must have been built. Two of piscina's internal
// modules that its tests import are given by what does the same here. Nothing of it is kept.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '5.3.2';
const TOOLS = ['tsx@4.23.15', 'concat-stream@2.0.0', 'abort-controller@3.0.0', '@napi-rs/nice@1.0.4'];
const FILE_TIMEOUT_MS = 120_000;
const here = fileURLToPath(new URL('../..', import.meta.url));

const [directory = mkdtempSync(join(tmpdir(), 'piscina-suite-')), ...only] = process.argv.slice(2);
const tests = join(prepare(directory), 'test');
const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts'));
const sums = { pass: 0, fail: 0, skipped: 0 };
for (const file of files) if (only.length === 0 || only.includes(basename(file))) runFile(file);
console.log(`${sums.pass} pass, ${sums.fail} fail, ${sums.skipped} are skipped by themselves`);
process.exitCode = sums.fail === 0 && sums.pass > 0 ? 0 : 1;

function runFile(file) {
  const { stdout } = spawnSync(
    process.execPath,
    ['--import=tsx', '--test', '--test-reporter=tap', join(tests, file)],
    { cwd: join(tests, '..'), encoding: 'utf8', timeout: FILE_TIMEOUT_MS, maxBuffer: 2 ** 26 },
  );
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)`, 'm').exec(stdout)?.[1] ?? NaN);
  const pass = count('pass') || 0;
  const ended = !Number.isNaN(count('pass'));
  const fail = ended ? count('fail') + count('cancelled') : 1;
  sums.pass += pass;
  sums.fail += fail;
  sums.skipped += count('skipped') || 0;
  console.log(`${file}: ${pass} pass, ${fail} fail${ended ? '' : ' (it did not end)'}`);
  for (const [line] of stdout.matchAll(/^\s*not ok .*$/gm)) console.log(line);
}

/** @returns a directory with piscina's tests, in which `..` is what stands in for piscina */
function prepare(root) {
  const suite = join(root, 'suite');
  if (existsSync(suite)) return suite;
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{ "private": true }');
  npm(root, 'install', '--no-audit', '--no-fund', '--no-save', `piscina@${VERSION}`, ...TOOLS);
  const original = join(root, 'node_modules/piscina');
  mkdirSync(join(suite, 'dist'), { recursive: true });
  mkdirSync(join(suite, 'node_modules/@corelane'), { recursive: true });
  for (const part of ['test', 'package.json'])
    cpSync(join(original, part), join(suite, part), { recursive: true });
  symlinkSync(suite, join(suite, 'node_modules/piscina'));
  symlinkSync(here, join(suite, 'node_modules/@corelane/scheduler'));
  const main = `module.exports = require(${JSON.stringify(join(here, 'dist/piscina.cjs'))});\n`;
  const names =
    "export * from '@corelane/scheduler/piscina';\nexport { default } from '@corelane/scheduler/piscina';\n";
  const moves = JSON.stringify(join(here, 'src/piscina/move.ts'));
  for (const [name, text] of Object.entries({
    'main.js': main,
    'index.js': main,
    'esm-wrapper.mjs': names,
    'symbols.js': `module.exports = { kQueueOptions: Symbol.for('Piscina.queueOptions') };\n`,
    'common.js': `module.exports = { ...require(${moves}), getAvailableParallelism: require('node:os').availableParallelism };\n`,
  }))
    writeFileSync(join(suite, 'dist', name), text);
  return suite;
}

function npm(cwd, ...args) {
  const { status } = spawnSync('npm', args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm ${args[0]} ended with ${status}, expected 0`);
}
