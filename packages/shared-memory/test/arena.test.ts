import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  Arena,
  ArenaExhaustedError,
  ArgumentRangeError,
  AttachError,
  atomic,
  immutable,
  instantiateKernel,
  KernelError,
  root,
  struct,
  type ArenaHandle,
  type ObjectHandle,
} from '../src/index.ts';
import { kernelBase64 } from '../src/kernel.generated.ts';
import { arenaRoot } from '../src/layout.ts';
import { Crew } from '../../../tools/testing/crew.ts';

vi.setConfig({ testTimeout: 60_000 });

const thing = root('test/thing', 3, { size: immutable('i32'), value: atomic('i32', { line: true }) });

function attachError(attach: () => unknown): AttachError {
  try {
    attach();
  } catch (error) {
    expect(error).toBeInstanceOf(AttachError);
    expect(error).toMatchObject({ code: 'ERR_ATTACH' });
    return error as AttachError;
  }
  throw new Error('attached');
}

describe('an arena', () => {
  test('has whole pages, zeroed, of which its own root is used', () => {
    const arena = Arena.create({ bytes: 65537 });
    expect(arena.bytes).toBe(131072);
    expect(arena.usedBytes).toBe(arenaRoot.bytes);
    expect(arena.u8.subarray(arenaRoot.bytes).every((byte) => byte === 0)).toBe(true);
    expect([arena.i32.length * 4, arena.f64.length * 8]).toEqual([131072, 131072]);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('of %d bytes is refused', (bytes) => {
    expect(() => Arena.create({ bytes })).toThrow(ArgumentRangeError);
  });

  test('allocates zeroed, aligned, one after the other', () => {
    const arena = Arena.create({ bytes: 65536 });
    expect(arena.allocate(4, 4)).toBe(arenaRoot.bytes);
    expect(arena.allocate(1, 8)).toBe(arenaRoot.bytes + 8);
    expect(arena.allocate(1)).toBe(arenaRoot.bytes + 128);
    expect(arena.allocate(0, 4096)).toBe(4096);
    expect(arena.usedBytes).toBe(4096);
  });

  test.each([
    [-1, 4],
    [0.5, 4],
    [Number.NaN, 4],
    [4, 2],
    [4, 12],
    [4, 0],
    [4, 2 ** 31],
  ])('refuses %d bytes aligned to %d, and stays as it was', (bytes, align) => {
    const arena = Arena.create({ bytes: 65536 });
    expect(() => arena.allocate(bytes, align)).toThrow(ArgumentRangeError);
    expect(arena.usedBytes).toBe(arenaRoot.bytes);
  });

  test('when exhausted says so in numbers and stays as it was', () => {
    const arena = Arena.create({ bytes: 65536 });
    arena.allocate(65000);
    const used = arena.usedBytes;
    const bytes = arena.bytes - used + 1;
    let error: unknown;
    try {
      arena.allocate(bytes, 4);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ArenaExhaustedError);
    expect(error).toMatchObject({ code: 'ERR_ARENA_EXHAUSTED', requestedBytes: bytes, freeBytes: bytes - 1 });
    expect((error as Error).message).toContain(`${bytes} bytes requested, ${bytes - 1} of 65536 bytes free`);
    expect(() => arena.createObject(thing, 2 ** 20)).toThrow(ArenaExhaustedError);
    expect(arena.usedBytes).toBe(used);
    expect(arena.allocate(bytes - 1, 4)).toBe(used); // the rest is still to be had
  });

  test('gives threads that allocate at once disjoint ranges, and all of them', async () => {
    const arena = Arena.create({ bytes: 1 << 22 });
    const station = { arena: arena.handle, times: 4000 };
    await using crew = new Crew(new URL('./worker/allocate.ts', import.meta.url), [
      station,
      station,
      station,
    ]);
    await crew.go();
    const ranges = (await crew.reports<{ at: number; bytes: number }[]>()).flat();
    expect(ranges).toHaveLength(12_000);
    ranges.sort((a, b) => a.at - b.at);
    let end = arenaRoot.bytes;
    for (const { at, bytes } of ranges) {
      expect(at).toBeGreaterThanOrEqual(end);
      end = at + bytes;
    }
    expect(arena.usedBytes).toBe(end);
  });
});

describe('attaching an arena names what was found and what was expected:', () => {
  let handle: ArenaHandle;
  let arena: Arena;
  beforeEach(() => {
    arena = Arena.create({ bytes: 65536 });
    ({ handle } = arena);
  });
  const word = arenaRoot.word;

  test('no object', () => {
    expect(attachError(() => Arena.attach(undefined as never)).message).toBe(
      'cannot attach shared-memory/arena: handle is undefined, expected "the handle of an arena, or of an object in one"',
    );
    expect(attachError(() => Arena.attach(null as never))).toMatchObject({ what: 'handle', found: null });
    expect(attachError(() => Arena.attach(7 as never))).toMatchObject({ what: 'handle', found: 7 });
  });

  test('another kind', () => {
    const error = attachError(() => Arena.attach({ ...handle, kind: 'test/thing' as never }));
    expect(error).toMatchObject({
      what: 'handle.kind',
      found: 'test/thing',
      expected: 'shared-memory/arena',
    });
  });

  test('no shared memory', () => {
    const memories = [
      undefined,
      new SharedArrayBuffer(65536),
      { buffer: new SharedArrayBuffer(65536) },
      new WebAssembly.Memory({ initial: 1 }),
    ];
    for (const memory of memories) {
      const error = attachError(() => Arena.attach({ ...handle, memory: memory as never }));
      expect(error).toMatchObject({ what: 'handle.memory', expected: 'a shared WebAssembly.Memory' });
    }
  });

  test('a memory that holds no arena', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(attachError(() => Arena.attach({ ...handle, memory }))).toMatchObject({
      what: 'magic',
      found: '0x00000000',
      expected: '0x316e4c43',
    });
    const empty = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
    expect(attachError(() => Arena.attach({ ...handle, memory: empty }))).toMatchObject({ what: 'magic' });
  });

  test.each([
    ['layoutVersion', 'layout version'],
    ['layoutHash', 'layout hash'],
    ['lengthBytes', 'length in bytes'],
    ['totalBytes', 'totalBytes'],
  ] as const)('another %s', (field, what) => {
    const before = arena.i32[word[field]] as number;
    arena.i32[word[field]] = before + 4096;
    const error = attachError(() => Arena.attach(handle));
    expect(error.what).toBe(what);
    expect(error.found).not.toEqual(error.expected);
  });
});

describe('attaching an object names what was found and what was expected:', () => {
  let arena: Arena;
  let handle: ObjectHandle<'test/thing'>;
  beforeEach(() => {
    arena = Arena.create({ bytes: 65536 });
    handle = arena.objectHandle('test/thing', arena.createObject(thing, 1024));
  });
  const open = (found: unknown): AttachError =>
    attachError(() => arena.openObject(thing, found as ObjectHandle));

  test('nothing, where all is well', () => {
    expect(arena.openObject(thing, handle)).toEqual({ at: handle.at, lengthBytes: 1024 });
    const clone = structuredClone(handle); // what a thread gets: another Memory object on the same memory
    expect(arena.openObject(thing, clone)).toEqual({ at: handle.at, lengthBytes: 1024 });
    expect(Arena.attach(clone.arena).openObject(thing, clone).at).toBe(handle.at);
  });

  test('no object', () => {
    expect(open(null)).toMatchObject({ what: 'handle', found: null });
    expect(open('x')).toMatchObject({ what: 'handle', found: 'x' });
  });

  test('another kind', () => {
    expect(open({ ...handle, kind: 'test/other' })).toMatchObject({
      what: 'handle.kind',
      found: 'test/other',
      expected: 'test/thing',
    });
  });

  test('another arena', () => {
    const other = Arena.create({ bytes: 65536 });
    other.createObject(thing, 1024); // lies at the same address
    const error = open(structuredClone({ ...handle, arena: other.handle }));
    expect(error).toMatchObject({ what: 'handle.arena', found: 'another arena' });
    expect(open({ ...handle, arena: undefined })).toMatchObject({ what: 'handle', found: undefined });
  });

  test.each([undefined, Number.NaN, -128, 4, 0.5, 2 ** 40, 65536])('address %s', (at) => {
    expect(open({ ...handle, at })).toMatchObject({ what: 'handle.at', found: at });
    expect(open({ ...handle, at }).message).toMatch(/expected "a multiple of 128 from 0 to \d+"$/);
  });

  test('an address at which no object is', () => {
    expect(open({ ...handle, at: handle.at + 128 })).toMatchObject({ what: 'magic', found: '0x00000000' });
  });

  test('an address that the arena has not given out', () => {
    expect(open({ ...handle, at: handle.at + 1024 })).toMatchObject({ what: 'handle.at' });
  });

  test('another version, the one layout newer than the other', () => {
    const newer = root('test/thing', 4, { size: immutable('i32') });
    const error = attachError(() => arena.openObject(newer, handle));
    expect(error).toMatchObject({ what: 'layout version', found: 3, expected: 4 });
  });

  test('another layout of that name and version', () => {
    const changed = root('test/thing', 3, {
      size: immutable('i32'),
      value: immutable('i32', { line: true }),
    });
    const error = attachError(() => arena.openObject(changed, handle));
    expect(error).toMatchObject({ what: 'layout hash' });
    expect(error.message).toMatch(/is "0x[0-9a-f]{8}", expected "0x[0-9a-f]{8}"/);
  });

  test.each([thing.bytes - 4, -1, 1028, 2 ** 30])('length %d', (length) => {
    arena.i32[(handle.at >> 2) + thing.word.lengthBytes] = length;
    expect(open(handle)).toMatchObject({
      what: 'length in bytes',
      found: length,
      expected: `${thing.bytes} to 1024`,
    });
  });
});

test('an object is at least as long as its root, and begins with one', () => {
  const arena = Arena.create({ bytes: 65536 });
  const { usedBytes } = arena;
  expect(() => arena.createObject(thing, thing.bytes - 1)).toThrow(ArgumentRangeError);
  expect(() => arena.createObject(thing, Number.NaN)).toThrow(ArgumentRangeError);
  expect(() => arena.createObject(struct('test/element', 1, { a: atomic('i32') }))).toThrow(
    ArgumentRangeError,
  );
  expect(arena.usedBytes).toBe(usedBytes);
});

test('a handle travels to a worker and back', async () => {
  const arena = Arena.create({ bytes: 65536 });
  const worker = new Worker(new URL('./worker/echo-arena.ts', import.meta.url), {
    workerData: arena.handle,
    execArgv: ['--conditions=@corelane/source'],
  });
  const used = await new Promise((resolve) => worker.once('message', resolve));
  expect(used).toBe(arenaRoot.bytes + 128);
  expect(arena.usedBytes).toBe(arenaRoot.bytes + 128); // the worker allocated it
  await worker.terminate();
});

describe('a kernel', () => {
  const nothing = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]).toString('base64');

  test('is bound once to an arena', () => {
    const arena = Arena.create({ bytes: 65536 });
    const other = Arena.create({ bytes: 65536 });
    expect(arena.kernel({ base64: nothing })).toBe(arena.kernel({ base64: nothing }));
    expect(arena.kernel({ base64: nothing })).not.toBe(other.kernel({ base64: nothing }));
  });

  test.each([
    ['', 'cannot bind a kernel'],
    ['bm90IHdhc20=', 'magic'],
    [nothing.slice(0, 8), 'cannot bind a kernel'],
  ])('that is no Wasm (%j) is a typed error with its cause', (base64, message) => {
    const arena = Arena.create({ bytes: 65536 });
    let error: unknown;
    try {
      arena.kernel({ base64 });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({ code: 'ERR_KERNEL', message: expect.stringContaining(message) });
    expect((error as Error).cause).toBeInstanceOf(WebAssembly.CompileError);
  });
});

test('a kernel does not bind to a memory that is not shared', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  expect(() => instantiateKernel({ base64: kernelBase64 }, memory)).toThrow(KernelError);
});
