import { assertNoFalseSharing } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { eventPartsOf } from '../src/event-place.ts';
import { eventBufferRoot, eventHeader, eventSeat } from '../src/layout.ts';

test.each([eventBufferRoot, eventSeat])(
  'hot words of $name have lines of their own, in an array of them, too',
  (layout) => {
    expect(() => assertNoFalseSharing(layout)).not.toThrow();
  },
);

test.each([
  { capacity: 2, maxEventBytes: 1, seats: 1 },
  { capacity: 8, maxEventBytes: 64, seats: 3 },
  { capacity: 1024, maxEventBytes: 65, seats: 64 },
])('the parts of a buffer of %j follow each other on lines of their own', (sizes) => {
  const { strideBytes, seatsOffset, payloadsOffset, lengthBytes } = eventPartsOf(sizes);
  expect(strideBytes).toBe(Math.ceil(sizes.maxEventBytes / 64) * 64);
  expect(seatsOffset).toBeGreaterThanOrEqual(eventBufferRoot.bytes + 2 * sizes.capacity * eventHeader.bytes);
  expect([eventBufferRoot.bytes % 128, seatsOffset % 128, payloadsOffset % 128]).toEqual([0, 0, 0]);
  expect(payloadsOffset - seatsOffset).toBe(sizes.seats * eventSeat.bytes);
  expect(lengthBytes - payloadsOffset).toBe(2 * sizes.capacity * strideBytes);
});

test('a line of 64 bytes holds four headers', () => {
  expect(eventHeader.bytes).toBe(16);
});
