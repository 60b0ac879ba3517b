// The entry for modules of tasks.
import { expect, test } from 'vitest';
import * as whole from '../src/index.ts';
import * as small from '../src/task-module.ts';

test('what a module of tasks imports from it is what the package exports', () => {
  for (const [name, value] of Object.entries(small)) expect(whole).toHaveProperty(name, value);
});
