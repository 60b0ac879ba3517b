import { assertNoFalseSharing } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { bufferPoolRoot, bufferRecord, ownerSlot } from '../src/layout.ts';

test.each([bufferPoolRoot, bufferRecord, ownerSlot])(
  'hot words of $name have lines of their own',
  (layout) => {
    expect(() => assertNoFalseSharing(layout)).not.toThrow();
  },
);
