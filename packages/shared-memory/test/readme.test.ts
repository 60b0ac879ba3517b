import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/readme-example.ts';
import { describe } from '../src/index.ts';
import { parkerRoot } from '../src/layout.ts';
import { readFileSync } from 'node:fs';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README prints what it says', () => {
  const [first, second] = runReadmeExample(root).split('\n');
  expect(first).toMatch(/^0 \d+ changed true$/);
  expect(second).toBe('my/counter v1 (root): 256 bytes in 2 lines of 128, aligned to 128');
});

test('the map in the README is the one that is printed', () => {
  expect(readFileSync(`${root}README.md`, 'utf8')).toContain(describe(parkerRoot, { lineBytes: 128 }));
});
