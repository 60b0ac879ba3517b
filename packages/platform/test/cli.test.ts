import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { Topology } from '../src/index.ts';
import { machine } from './machine.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const captured = mkdtempSync(join(tmpdir(), 'corelane-cli-'));
for (const [path, text] of Object.entries(machine({ packages: 2, cores: 1, threads: 2, nodes: [0, 5] }))) {
  mkdirSync(dirname(join(captured, path)), { recursive: true });
  writeFileSync(join(captured, path), text);
}
afterAll(() => rmSync(captured, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--conditions=@corelane/source', CLI, ...args], { encoding: 'utf8' });
}

describe('corelane-topology', () => {
  test('--json lists every PU with its core, package, node and caches, and counts by kind', () => {
    const { status, stdout, stderr } = run('--json', '--root', captured);
    expect([status, stderr]).toEqual([0, '']);
    const found = JSON.parse(stdout) as ReturnType<Topology['toJSON']> & { limits: Record<string, unknown> };
    expect(found.pus.map(({ os, core, package: own, node }) => [os, core, own, node])).toEqual([
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [2, 1, 1, 5],
      [3, 1, 1, 5],
    ]);
    const levels = found.pus[3]?.caches.map((cache) => found.caches[cache]);
    expect(levels?.map((cache) => [cache?.level, cache?.type, cache?.sizeBytes])).toEqual([
      [1, 'data', 32_768],
      [1, 'instruction', 32_768],
      [2, 'unified', 524_288],
      [3, 'unified', 16_777_216],
    ]);
    expect(found.counts).toMatchObject({ PU: 4, Core: 2, Package: 2, NUMANode: 2, L3Cache: 2, L2Cache: 2 });
    expect(found.limits).toMatchObject({ availableParallelism: { value: 4 } });
  });

  test('without options it draws this machine', () => {
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Machine \(/);
    expect(stdout).toMatch(/ PU L#0 /);
  });

  test('--root draws the captured machine', () => {
    expect(run('--root', captured).stdout.match(/NUMANode L#\d \(P#\d/g)).toEqual([
      'NUMANode L#0 (P#0',
      'NUMANode L#1 (P#5',
    ]);
  });

  test('--help says how, and is not an error', () => {
    expect(run('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('--root DIR'),
    });
  });

  test.each([['--jsn'], ['extra'], ['--root'], ['--json=yes'], ['--root', captured, 'extra']])(
    '%s %s is usage: exit 2',
    (...args) => {
      const { status, stdout, stderr } = run(...args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^corelane-topology: .*\n\ncorelane-topology \[--json\]/s);
    },
  );

  test.each([
    ['that is not there', join(captured, 'nowhere'), /ENOENT/],
    ['that is a file', join(captured, 'proc/meminfo'), /is no directory/],
    ['without CPUs', join(captured, 'proc'), /no online CPU.*looked for/],
  ])('a root %s is exit 1 with a message', (_, root, message) => {
    const { status, stdout, stderr } = run('--json', '--root', root);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is exit 1 with a message', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@corelane/source', CLI, '--root', captured],
      { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] },
    );
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^corelane-topology: ENOSPC.*\n$/);
  });
});
