import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/readme-example.ts';

test('the example of the README prints what it says', () => {
  expect(runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))).toBe(
    'open, ask again in 1000 ms\n',
  );
});
