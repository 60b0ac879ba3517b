import { expect, test } from 'vitest';
import { transform } from '../src/index.ts';
import { ENDLESS, endlessProgram, RECURSIVE, runStopped } from './endless.ts';

test.each(ENDLESS)('is stopped: %s', (text) => {
  const program = endlessProgram(text);
  expect(runStopped(program, 30)).toMatch(/timed out/);
  expect(runStopped(transform(program, { filename: 'program.js' }).code)).toBe('stopped');
});

test.each(RECURSIVE)('what calls itself is stopped: %s', (text) => {
  const program = endlessProgram(text);
  expect(runStopped(program)).toBe('ended');
  const { code, functions } = transform(program, { filename: 'program.js' });
  expect(functions).toBeGreaterThan(0);
  expect(runStopped(code)).toBe('stopped');
  expect(transform(program, { filename: 'program.js', functions: 'none' }).functions).toBe(0);
});

test('functions that do not call themselves have no checkpoint, unless all have', () => {
  const program = 'function f() { g(); } function g() { h(); } const h = () => 1; f();';
  expect(transform(program, { filename: 'program.js' })).toMatchObject({ code: program, functions: 0 });
  const { code, functions } = transform(program, { filename: 'program.js', functions: 'all' });
  expect(functions).toBe(3);
  expect(runStopped(code)).toBe('stopped');
});
