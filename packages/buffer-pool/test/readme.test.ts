// The example of the README runs as it stands there.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example runs and prints what it says', () => {
  const example = /^```ts\n(.*?)^```/ms.exec(readFileSync(`${root}README.md`, 'utf8'))?.[1];
  expect(example).toBeDefined();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@corelane/source', '--input-type=module-typescript', '-e', example as string],
    { cwd: root, encoding: 'utf8' },
  );
  expect(stderr).not.toContain('Error');
  expect(status).toBe(0);
  expect(stdout).toBe('true 5 1\n16\n');
});
