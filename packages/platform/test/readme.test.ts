import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the example of the README runs and prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const source = new URL('../src/index.ts', import.meta.url).href;
  const script = example.replace("'@corelane/platform'", JSON.stringify(source));
  expect(script).not.toBe(example);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@corelane/source', '--input-type=module', '-e', script],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)) },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Machine/);
  expect(stdout).toMatch(/CPU 0 is on node \d/);
  expect(stdout).toMatch(/threads worth running: \d+ by \//);
  expect(stdout).toMatch(/^ioUring (available|unavailable|unprivileged) /m);
});
