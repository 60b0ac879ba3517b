import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimedOutput, readmeExample, runReadmeExample } from '../../../tools/readme-example.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the examples of the README print what they say, and the first one is short', () => {
  expect(readmeExample(root).split('\n').length).toBeLessThan(22);
  expect(runReadmeExample(root)).toBe(claimedOutput(root));
});

test('README and PROTOCOL say how many model suites and mutants there are', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const suites = files.filter((name) => name.endsWith('.model.test.ts'));
  const mutants = suites.flatMap((name) => {
    const [, list = ''] =
      /^const MUTANTS[^=]*= \[$(.*?)^\];$/ms.exec(readFileSync(join(root, 'test', name), 'utf8')) ?? [];
    const found = list.match(/^ +replace:/gm) ?? [];
    expect({ name, found: found.length }).not.toMatchObject({ found: 0 });
    return found;
  });
  expect(suites).toHaveLength(11);
  for (const name of ['README.md', 'PROTOCOL.md'])
    expect(readFileSync(join(root, name), 'utf8')).toMatch(
      new RegExp(`eleven model suites[^]*kill ${mutants.length} committed mutants`, 'i'),
    );
});
