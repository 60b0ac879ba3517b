/** Building the addon (tools/native/build.mjs), with compilers that only pretend. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { linux } from './machine-facts.ts';

vi.setConfig({ testTimeout: 30_000 });

const BUILD = fileURLToPath(new URL('../../../tools/native/build.mjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'corelane build '));
const folder = join(work, 'a package');
const source = join(folder, 'native', 'addon.c');
const log = join(work, 'log');
const binary = join(folder, 'npm', `linux-${process.arch}`, 'a package.node');

/** Writes down how it was called, and "compiles" by copying the source. */
const COMPILER = `#!/bin/sh
[ "$1" = fail ] && exit 1
for word; do [ "$word" = --version ] && { echo "pretender 1"; exit 0; }; done
echo "$*" >> '${log}'
while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
cp "$1" "$out"
`;

function program(name: string, text: string): void {
  writeFileSync(join(work, name), text);
  chmodSync(join(work, name), 0o755);
}

function build(env: NodeJS.ProcessEnv, builder = BUILD): string {
  const PATH = `${work}:/usr/bin:/bin`;
  const r = spawnSync(process.execPath, [builder], { cwd: folder, encoding: 'utf8', env: { PATH, ...env } });
  expect([r.status, r.stderr]).toEqual([0, expect.any(String)]);
  return r.stderr;
}

const calls = (): string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean);

describe.runIf(linux && /^(x64|arm64)$/.test(process.arch))('building the addon', () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'native'), { recursive: true });
    writeFileSync(source, 'first');
    writeFileSync(log, '');
    program('pretender', COMPILER);
    program('cc', COMPILER);
    program('apt-get', `#!/bin/sh\necho "apt-get $*" >> '${log}'\n`);
  });
  afterAll(() => {
    rmSync(work, { recursive: true });
  });

  test('CC may have arguments, as make has it', () => {
    build({ CC: '  pretender  -m64 ' });
    expect(calls()).toEqual([expect.stringMatching(/^-m64 -std=gnu11 .* -o .*a package\.node/)]);
    expect(readFileSync(binary, 'utf8')).toBe('first');
  });

  test('the builder may be reached by a link', () => {
    const link = join(work, 'tools');
    symlinkSync(dirname(BUILD), link);
    build({}, join(link, basename(BUILD)));
    expect(calls()).toHaveLength(1);
  });

  test('CC that is empty is not set', () => {
    build({ CC: '' });
    expect(calls()).toHaveLength(1);
  });

  test('CC that does not run is told, and no other compiler is installed or taken', () => {
    for (const CC of ['no-such-compiler', 'pretender-not', 'cc fail'])
      expect(build({ CC })).toContain(`CC is "${CC}", which does not run`);
    expect(calls()).toEqual([]);
  });

  test('what was built is kept, until its source or the binary itself is another', () => {
    build({});
    build({});
    expect(calls()).toHaveLength(1);
    writeFileSync(source, 'second');
    build({});
    expect(readFileSync(binary, 'utf8')).toBe('second');
    // As a build that was killed, or another one at the same time, would leave it.
    writeFileSync(binary, 'of another build');
    build({});
    expect(readFileSync(binary, 'utf8')).toBe('second');
    expect(calls()).toHaveLength(3);
  });
});
