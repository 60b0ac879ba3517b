import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readmeExample } from '../../../tools/readme-example.ts';
import { HELP } from '../src/cli.ts';
import type { BenchDocument } from '../src/document.ts';
import { runCommand } from './run-bench.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the suite of the README runs', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-readme-'));
  try {
    const file = join(folder, 'suites.mts');
    writeFileSync(file, readmeExample(root));
    const { code, stdout } = await runCommand('--from', file, '--suite', 'split', '--quick', '--json');
    expect(code).toBe(0);
    const group = (JSON.parse(stdout) as BenchDocument).suites[0]?.groups[0];
    expect(group?.failures).toEqual([]);
    expect(group?.cases.map(({ role, operations }) => [role, operations > 0])).toEqual([
      ['ours', true],
      ['peer', true],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the README uses no option that the command does not have', () => {
  const options = new Set(readme.match(/(?<=[ `])--[a-z][a-z-]*/g));
  options.delete('--silent'); // npm's own
  for (const option of options) expect(HELP).toContain(option);
});
