// The example of the README runs as it stands there.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example runs and prints what it says', () => {
  const example = /^```ts\n(.*?)^```/ms.exec(readFileSync(`${root}README.md`, 'utf8'))?.[1] ?? '';
  const said = /console\.log\(.*\); \/\/ (.*)$/m.exec(example)?.[1];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@corelane/source', '--input-type=module-typescript', '-e', example],
    { cwd: root, encoding: 'utf8' },
  );
  expect(stderr).not.toContain('Error');
  expect(said).toBeDefined();
  expect(stdout).toBe(`${said}\n`);
});
