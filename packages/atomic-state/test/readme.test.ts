import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/readme-example.ts';

test('the examples of the README print what they say', () => {
  expect(runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))).toBe(
    'open, ask again in 1000 ms\nrefused, too many bytes\n1 leaked\n0 opened\n',
  );
});
