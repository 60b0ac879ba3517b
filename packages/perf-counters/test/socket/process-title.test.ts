import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processTitle } from '../../src/socket/process-title.ts';

const argv0 = '/usr/bin/node';
const program = join('/', 'srv', 'shop', 'main.js');

test.each([
  ['the one that the program has set', { title: 'shop', argv0, argv: [argv0, program] }, 'shop'],
  [
    'the program and its folder',
    { title: argv0, argv0, argv: [argv0, program, '--port'] },
    'node shop/main.js',
  ],
  ['that of Node where there is no program', { title: 'node', argv0: 'node', argv: [argv0] }, 'node'],
])('the title of a process is %s', (_, found, title) => {
  expect(processTitle(found)).toBe(title);
});
