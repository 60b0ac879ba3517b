import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimedOutput, runReadmeExample } from '../../../tools/readme-example.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README prints what it says', () => {
  expect(runReadmeExample(root)).toBe(claimedOutput(root));
});
