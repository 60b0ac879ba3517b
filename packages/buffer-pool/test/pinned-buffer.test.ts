import { ArenaExhaustedError, ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { KernelHeldError, PinnedBuffer, StaleLeaseError, WrongOperationError } from '../src/index.ts';
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
    expect(() => PinnedBuffer.from('text' as never)).toThrow(ArgumentRangeError);
    for (const node of [-1, 1.5, 1024, 0n as never])
      expect(() => PinnedBuffer.create({ capacity: 1, node })).toThrow(ArgumentRangeError);
    const arena = Arena.create({ bytes: 65536 });
    const before = arena.usedBytes;
    expect(() => PinnedBuffer.create({ capacity: 65536, arena })).toThrow(ArenaExhaustedError);
    expect(arena.usedBytes).toBe(before);
  });

  test.each([
    ['capacity', 0],
    ['capacity', 2 ** 30],
    ['data', 0],
    ['data', -4096],
    ['alignBytes', 3],
    ['capacity', 5000],
  ] as const)('attaching refuses a root whose %s was overwritten with %i', (field, value) => {
    const arena = Arena.create({ bytes: 65536 });
    const buffer = PinnedBuffer.create({ capacity: 10, arena });
    arena.i32[(buffer.handle.at >> 2) + pinnedBufferRoot.word[field]] = value;
    expect(() => PinnedBuffer.attach(buffer.handle)).toThrow(AttachError);
  });

  test('is put on a node, asks for huge pages and is then pinned, in whole pages; what the pinner can not do is said', () => {
    const heard: unknown[] = [];
    const buffer = PinnedBuffer.create({
      capacity: 5000,
      node: 1,
      hugePages: true,
      pinner: {
        pin: (bytes) => {
          heard.push(['pin', bytes.byteLength]);
          return { pinned: true };
        },
        unpin: () => {},
        bind: (bytes, node) => {
          heard.push(['bind', node, bytes.byteOffset % 4096, bytes.byteLength]);
          return { placed: true };
        },
      },
    });
    expect(heard).toEqual([
      ['bind', 1, 0, 8192],
      ['pin', 8192],
    ]);
    expect(buffer.pinning).toEqual({ pinned: true });
    expect(buffer.placement).toEqual({
      node: { asked: 1, placed: true },
      hugePages: { placed: false, reason: 'the pinner can not ask for huge pages' },
    });
    const fails = (): never => {
      throw new Error('no whole pages');
    };
    const refused = PinnedBuffer.create({
      capacity: 1,
      alignBytes: 64,
      node: 0,
      pinner: { pin: fails, unpin: fails, bind: fails },
    });
    expect(refused.pinning).toEqual({ pinned: false, reason: 'no whole pages' });
    expect(refused.placement.node).toEqual({ asked: 0, placed: false, reason: 'no whole pages' });
    refused[Symbol.dispose]();
    expect(PinnedBuffer.create({ capacity: 1, node: 0 }).placement).toEqual({
      node: { asked: 0, placed: false, reason: 'the pinner can not put pages on a node' },
    });
    expect(PinnedBuffer.create({ capacity: 1 }).placement).toEqual({});
  });
});

describe('the generation of a pinned buffer', () => {
  test('moves with every hand-over, and ends what others hold of it', () => {
    const buffer = PinnedBuffer.from(Uint8Array.of(1, 2, 3));
    const shared = PinnedBuffer.attach(buffer.handle);
    expect([buffer.generation, shared.generation]).toEqual([0, 0]);
    const next = PinnedBuffer.attach(structuredClone(buffer.handOver()));
    expect(next.generation).toBe(1);
    for (const old of [buffer, shared]) {
      expect(old.ended).toBe(true);
      expect(() => old.bytes).toThrow(StaleLeaseError);
      expect(() => old.handOver()).toThrow('cannot hand over buffer 0: its lease of generation 0 has ended');
      expect(() => old.give(1)).toThrow(StaleLeaseError);
    }
    expect([...next.bytes]).toEqual([1, 2, 3]);
  });

  test('to the kernel and back: nobody reads it meanwhile, and a wrong number changes nothing', () => {
    const buffer = PinnedBuffer.from(Uint8Array.of(1, 2, 3));
    const other = PinnedBuffer.attach(buffer.handle);
    buffer.give(7);
    for (const each of [buffer, other]) {
      expect(() => each.bytes).toThrow(KernelHeldError);
      expect(() => each.give(8)).toThrow(KernelHeldError);
      expect(() => each.handOver()).toThrow(KernelHeldError);
      expect(() => each.take(8)).toThrow(WrongOperationError);
      expect(() => each.cancel(8)).toThrow(WrongOperationError);
    }
    buffer.take(7);
    expect([...buffer.bytes]).toEqual([1, 2, 3]);
    expect(buffer.generation).toBe(2);
    expect(() => buffer.take(7)).toThrow(StaleLeaseError);
    expect(() => other.bytes).toThrow(StaleLeaseError);
  });

  test('of a cancelled operation: an orphan until it is complete, where it may be attached meanwhile', () => {
    const buffer = PinnedBuffer.create({ capacity: 8 });
    buffer.give(1);
    buffer.cancel(1);
    expect(() => buffer.bytes).toThrow('which was cancelled');
    expect(() => buffer.cancel(1)).toThrow(KernelHeldError);
    const reaper = PinnedBuffer.attach(buffer.handle);
    expect(() => reaper.bytes).toThrow(KernelHeldError);
    expect(() => reaper.take(2)).toThrow(WrongOperationError);
    reaper.take(1);
    expect(reaper.bytes).toHaveLength(8);
    expect(() => buffer.bytes).toThrow(StaleLeaseError);
  });

  test.each([1.5, 2 ** 31, 1n as never])('operation %s is refused', (operation) => {
    const buffer = PinnedBuffer.create({ capacity: 8 });
    for (const use of [
      () => buffer.give(operation),
      () => buffer.take(operation),
      () => buffer.cancel(operation),
    ])
      expect(use).toThrow(ArgumentRangeError);
  });
});
