import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runReadmeExample } from '../../../tools/readme-example.ts';
import { native } from './native-mode.ts';

test('the example of the README prints the machine, and what can be set on it', () => {
  const stdout = runReadmeExample(fileURLToPath(new URL('..', import.meta.url)));
  expect(stdout).toMatch(/^Machine/);
  expect(stdout).toMatch(/threads worth running: \d+/);
  expect(stdout).toMatch(native ? /this thread: .*'verified'/ : /this thread: {\s+status: 'unsupported'/);
  expect(stdout).toMatch(
    native ? /huge pages: {\s+status: '(verified|refused)'/ : /huge pages: .*known to the addon only/,
  );
  expect(stdout).toMatch(/CPU time of this thread: { status: 'verified', value: \d+ }/);
  expect(stdout).toMatch(/^ioUring (available|unavailable|unprivileged) /m);
});
