import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/readme-example.ts';

test('the example of the README prints the machine', () => {
  const stdout = runReadmeExample(fileURLToPath(new URL('..', import.meta.url)));
  expect(stdout).toMatch(/^Machine/);
  expect(stdout).toMatch(/CPU 0 is on node \d/);
  expect(stdout).toMatch(/threads worth running: \d+ by \//);
  expect(stdout).toMatch(/^ioUring (available|unavailable|unprivileged) /m);
});
