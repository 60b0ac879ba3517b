import { assertNoFalseSharing } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { clientEntry, schedulerRoot, slotHead, workerEntry } from '../src/layout.ts';

test('words that are written independently do not share a cache line', () => {
  for (const layout of [schedulerRoot, clientEntry, workerEntry, slotHead]) assertNoFalseSharing(layout);
  expect(clientEntry.bytes % 128).toBe(0);
  expect(workerEntry.bytes % 128).toBe(0);
});

test('a payload begins at a multiple of 8', () => {
  expect(slotHead.bytes % 8).toBe(0);
});
