/** The seam to native/memory.c: whatever it is given, it answers a number or throws, and touches nothing outside of the view. */
import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { loadNative } from '../src/native.ts';
import { NODE_MASK_BYTES } from '../src/memory/native-memory.ts';
import { freshRange } from './memory-buffers.ts';
import { native } from './native-mode.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const MADV_DONTNEED = 4;
const REFUSED = expect.objectContaining({ code: 'ERR_NATIVE_ARGUMENT' }) as Error;

type Call = (...args: unknown[]) => number;

function calls(): [string, Call][] {
  const { addon } = loadNative();
  return Object.entries(addon ?? {}).filter((entry): entry is [string, Call] =>
    entry[0].startsWith('memory'),
  );
}

function detached(): Uint8Array {
  const buffer = new ArrayBuffer(64);
  const view = new Uint8Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return view;
}

it.runIf(native)('arguments of other types throw', () => {
  const wrong = fc.oneof(
    fc.constantFrom<unknown>(undefined, null, 'text', {}, [], Symbol('s'), () => 0, new ArrayBuffer(8)),
    fc.constantFrom<unknown>(-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53),
    fc.constantFrom<unknown>(new Uint8Array(8), new Uint8Array(0), new Int32Array(3), new Float64Array(2)),
    fc.constantFrom<unknown>(new DataView(new ArrayBuffer(16)), detached(), 1n),
  );
  fc.assert(
    fc.property(fc.constantFrom(...calls()), fc.array(wrong, { maxLength: 9 }), ([, call], args) => {
      // A view with numbers that fit it would be a real call.
      fc.pre(typeof args[1] !== 'number' || typeof args[2] !== 'number' || args[2] !== 0);
      expect(() => call(...args)).toThrow(REFUSED);
    }),
    { numRuns: 5000 },
  );
});

it.runIf(native)('a range that leaves its view throws', () => {
  const range = freshRange(65_536);
  const { length } = range;
  const outside = [
    [0, length + 1],
    [length, 1],
    [1, length],
    [length + 1, 0],
    [2 ** 52, 2 ** 52],
    [0, Number.MAX_SAFE_INTEGER],
    [-4096, 4096],
    [0, -1],
  ];
  for (const [, call] of calls())
    for (const [offset, bytes] of outside)
      expect(() => call(range, offset, bytes, 0, new Uint8Array(NODE_MASK_BYTES), 0)).toThrow(REFUSED);
});

it.runIf(native)('masks and arrays of another size throw', () => {
  const { addon } = loadNative();
  const range = freshRange(65_536);
  for (const bytes of [0, 8, NODE_MASK_BYTES - 1, NODE_MASK_BYTES + 1]) {
    const mask = new Uint8Array(bytes);
    expect(() => addon?.memoryBind(range, 0, range.length, 2, mask, 0)).toThrow(REFUSED);
    expect(() => addon?.memoryPolicy(range, 0, range.length, mask)).toThrow(REFUSED);
  }
  const few = new Int32Array(range.length / (addon?.pageBytes() ?? 1) - 1);
  expect(() => addon?.memoryNodes(range, 0, range.length, few)).toThrow(REFUSED);
  expect(() => addon?.memoryMove(range, 0, range.length, few, 0)).toThrow(REFUSED);
});

it.runIf(native)('what is no range of whole pages is EINVAL: the kernel would round it up', () => {
  const { addon } = loadNative();
  const range = freshRange(65_536).fill(7);
  const page = addon?.pageBytes() ?? 1;
  const mask = new Uint8Array(NODE_MASK_BYTES).fill(1, 0, 1);
  const ranges: [number, number][] = [
    [0, 100],
    [0, page + 1],
    [1, page],
    [page, 1],
  ];
  for (const [offset, length] of ranges) {
    expect(addon?.memoryAdvise(range, offset, length, MADV_DONTNEED)).toBe(-22);
    expect(addon?.memoryLock(range, offset, length)).toBe(-22);
    expect(addon?.memoryUnlock(range, offset, length)).toBe(-22);
    expect(addon?.memoryBind(range, offset, length, 2, mask, 0)).toBe(-22);
  }
  expect(addon?.memoryResidentPages(range, 1, page)).toBe(-22);
  expect(range.every((byte) => byte === 7)).toBe(true);
});
