import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimedOutput, pagesOf, runReadmeExample } from '../../../tools/readme-example.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test.for(['README.md', ...pagesOf(root)])('the examples of %s print what they say', (page) => {
  expect(runReadmeExample(root, page)).toBe(claimedOutput(root, page));
});
