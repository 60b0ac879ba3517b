import { AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Scheduler } from '../src/index.ts';

test.each([undefined, null, 7, 'handle', {}])('attaching to %o is an AttachError', (wrong) => {
  expect(() => Scheduler.attach(wrong as never)).toThrow(AttachError);
});
