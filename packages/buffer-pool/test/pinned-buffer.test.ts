import { ArenaExhaustedError, ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { PinnedBuffer } from '../src/index.ts';
import { pinnedBufferRoot } from '../src/layout.ts';

describe('PinnedBuffer', () => {
  test('is zeroed, as large as asked for and aligned, in an arena of its own', () => {
    const buffer = PinnedBuffer.create({ capacity: 100_000 });
    expect(buffer.bytes.byteLength).toBe(100_000);
    expect(buffer.bytes.every((byte) => byte === 0)).toBe(true);
    expect(buffer.at % 4096).toBe(0);
    expect(buffer.bytes.byteOffset).toBe(buffer.at);
  });

  test.each([1, 64, 2 ** 21])('aligned to %i bytes, in the arena given', (alignBytes) => {
    const arena = Arena.create({ bytes: 2 ** 23 });
    arena.allocate(4, 4);
    const buffer = PinnedBuffer.create({ capacity: 10, alignBytes, arena });
    expect(buffer.at % alignBytes).toBe(0);
    expect(buffer.bytes.buffer).toBe(arena.u8.buffer);
    expect(buffer.alignBytes).toBe(alignBytes);
  });

  test('from() copies: neither sees what is written to the other afterwards', () => {
    const source = Uint8Array.of(1, 2, 3);
    const buffer = PinnedBuffer.from(source, { alignBytes: 128 });
    source[0] = 9;
    expect([...buffer.bytes]).toEqual([1, 2, 3]);
    expect(buffer.capacity).toBe(3);
  });

  test('an attached buffer is the same bytes', () => {
    const buffer = PinnedBuffer.from(Uint8Array.of(1, 2, 3));
    const other = PinnedBuffer.attach(structuredClone(buffer.handle));
    other.bytes[1] = 42;
    expect(buffer.bytes[1]).toBe(42);
    expect(other.at).toBe(buffer.at);
  });

  test('sink and pinner hear of it, and once of its disposal', () => {
    const heard: unknown[] = [];
    const buffer = PinnedBuffer.create({
      capacity: 500,
      tag: 'ring',
      sink: { alloc: (...call) => heard.push(call), dealloc: (...call) => heard.push(['-', ...call]) },
      pinner: { pin: () => ({ pinned: false, reason: 'ENOMEM' }), unpin: () => heard.push('unpin') },
    });
    expect(buffer.pinning).toEqual({ pinned: false, reason: 'ENOMEM' });
    buffer[Symbol.dispose]();
    buffer[Symbol.dispose]();
    expect(heard).toEqual([
      ['ring', 500],
      ['-', 'ring', 500],
    ]);
  });

  test('refuses sizes and alignments that can not be', () => {
    expect(() => PinnedBuffer.create({ capacity: 0 })).toThrow(ArgumentRangeError);
    expect(() => PinnedBuffer.from(new Uint8Array(0))).toThrow('capacity is 0');
    expect(() => PinnedBuffer.create({ capacity: 1, alignBytes: 48 })).toThrow(ArgumentRangeError);
    const arena = Arena.create({ bytes: 65536 });
    expect(() => PinnedBuffer.create({ capacity: 65536, arena })).toThrow(ArenaExhaustedError);
  });

  test.each([
    ['capacity', 0],
    ['capacity', 2 ** 30],
    ['data', 0],
    ['data', -4096],
  ] as const)('attaching refuses a root whose %s was overwritten with %i', (field, value) => {
    const arena = Arena.create({ bytes: 65536 });
    const buffer = PinnedBuffer.create({ capacity: 10, arena });
    arena.i32[(buffer.handle.at >> 2) + pinnedBufferRoot.word[field]] = value;
    expect(() => PinnedBuffer.attach(buffer.handle)).toThrow(AttachError);
  });
});
