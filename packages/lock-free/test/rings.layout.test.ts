import { assertNoFalseSharing } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { counterStripe, framedRingRoot, spscRingRoot, stripedCounterRoot } from '../src/layout.ts';

test.each([spscRingRoot, framedRingRoot, stripedCounterRoot, counterStripe])(
  'hot words of $name have lines of their own, in an array of them, too',
  (layout) => {
    expect(() => assertNoFalseSharing(layout)).not.toThrow();
  },
);

test('the data of a ring begins on a line of its own', () => {
  for (const { bytes } of [spscRingRoot, framedRingRoot, stripedCounterRoot]) expect(bytes % 128).toBe(0);
});
