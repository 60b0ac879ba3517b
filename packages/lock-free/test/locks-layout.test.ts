import { assertNoFalseSharing, LINE_BYTES } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { mutexRoot, mutexWords, rcuRoot, readerSlot, readWriteRoot } from '../src/layout.ts';

test.each([mutexRoot, readWriteRoot, rcuRoot, readerSlot])(
  'hot words of $name have lines of their own',
  (layout) => {
    expect(() => assertNoFalseSharing(layout)).not.toThrow();
  },
);

test('the words of a mutex leave room on their line for what it guards', () => {
  expect(mutexWords.bytes).toBeLessThanOrEqual(LINE_BYTES / 4);
  expect(mutexWords.alignBytes).toBe(8);
});
