import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimedOutput, runReadmeExample } from '../../../tools/readme-example.ts';

test('the examples of the README print what they say', () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  expect(runReadmeExample(folder)).toBe(claimedOutput(folder));
});
