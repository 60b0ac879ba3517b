import { assertNoFalseSharing } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { boundedQueueRoot, indexStackRoot } from '../src/layout.ts';

test.each([boundedQueueRoot, indexStackRoot])('hot words of $name have lines of their own', (layout) => {
  expect(() => assertNoFalseSharing(layout)).not.toThrow();
});
