/** What is a range, and what is refused before the kernel is asked. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedRange, memoryPolicy, MemoryRangeError, pageBytes, residency } from '../src/index.ts';
import { migrate } from '../src/memory/migration.ts';
import { advise } from '../src/memory/advice.ts';
import { setHugePages } from '../src/memory/huge.ts';
import { prefault } from '../src/memory/prefault.ts';
import { setPolicy } from '../src/memory/policy.ts';
import { checkNodes } from '../src/memory/options.ts';
import { readPageBytes } from '../src/memory/range.ts';
import { residencyOf } from '../src/memory/residency.ts';
import { BUFFERS, valueOf } from './memory-buffers.ts';
import { FakeKernel, PAGE } from './memory-kernel.ts';
import { native } from './native-mode.ts';

const OWN = pageBytes();

function errorOf(call: () => unknown): MemoryRangeError {
  try {
    call();
  } catch (error) {
    if (error instanceof MemoryRangeError) return error;
    throw error;
  }
  throw new Error('did not throw');
}

describe('a range', () => {
  it('is a whole number of pages, and the error has the numbers', () => {
    const view = new Uint8Array(new SharedArrayBuffer(OWN * 4), 24, OWN + 100);
    const error = errorOf(() => memoryPolicy(view));
    expect(error).toMatchObject({
      code: 'ERR_MEMORY_RANGE',
      offsetBytes: 24,
      lengthBytes: OWN + 100,
      pageBytes: OWN,
    });
    expect(error.message).toContain('it ends 100 bytes after the last whole page');
  });

  it('is not empty, and not of a detached buffer', () => {
    expect(errorOf(() => residency(new Float64Array(0))).message).toContain('there is nothing in it');
    const buffer = new ArrayBuffer(OWN);
    const views = [new Uint8Array(buffer), new DataView(buffer)];
    structuredClone(buffer, { transfer: [buffer] });
    for (const view of views)
      expect(errorOf(() => residency(view)).message).toContain('its buffer is detached');
    expect(errorOf(() => alignedRange(buffer)).message).toContain('its buffer is detached');
  });

  it('is not of a buffer that shrank away from it', () => {
    const buffer = new ArrayBuffer(OWN * 4, { maxByteLength: OWN * 4 });
    const views = [new Uint8Array(buffer, OWN * 2, OWN), new DataView(buffer, OWN * 2, OWN)];
    buffer.resize(OWN);
    for (const view of views)
      expect(errorOf(() => residency(view)).message).toContain('there is nothing in it');
  });

  it.each([undefined, null, 5, 'text', {}, new ArrayBuffer(8)])('is a view, not %s', (value) => {
    expect(() => residency(value as never)).toThrow(
      expect.objectContaining({ code: 'ERR_PLATFORM_OPTION' }) as Error,
    );
  });

  it.runIf(native)('starts at a page, wherever the buffer starts', () => {
    const aligned = valueOf(alignedRange(new ArrayBuffer(OWN * 4)));
    const view = new Uint8Array(aligned.buffer, aligned.byteOffset + 8, OWN);
    expect(errorOf(() => residency(view)).message).toContain('it starts 8 bytes after the start of a page');
  });

  it.runIf(native)('may be any kind of view', () => {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const views = [
      new Int8Array(buffer),
      new Uint16Array(buffer),
      new Float32Array(buffer),
      new BigInt64Array(buffer),
      new DataView(buffer),
    ];
    for (const view of views) expect(valueOf(residency(view)).pages).toBe(65_536 / OWN);
  });

  it.runIf(native)('counts what a length-tracking view covers at the call', () => {
    const buffer = new SharedArrayBuffer(OWN * 2, { maxByteLength: OWN * 8 });
    const tracking = new Uint8Array(buffer);
    const aligned = valueOf(alignedRange(tracking));
    expect(valueOf(residency(aligned)).pages).toBe(2);
    buffer.grow(OWN * 6);
    expect(valueOf(residency(tracking)).pages).toBe(6);
    expect(valueOf(residency(aligned)).pages).toBe(2);
  });
});

describe('options', () => {
  const kernel = new FakeKernel();
  const { machine, range } = kernel;
  const bind = (nodes: readonly number[], options: object): unknown =>
    setPolicy(machine, range, 'bind', checkNodes(nodes), options);

  it.each<[string, () => unknown]>([
    ['no nodes', () => bind([], {})],
    ['node -1', () => bind([-1], {})],
    ['node 0.5', () => bind([0.5], {})],
    ['node NaN', () => bind([Number.NaN], {})],
    ['node 1024', () => bind([1024], {})],
    ['nodes that are none', () => checkNodes('0' as never)],
    ['an unknown option', () => bind([0], { migrat: true })],
    ['an option of another type', () => bind([0], { migrate: 1 })],
    [
      'an option that resetting does not have',
      () => setPolicy(machine, range, 'default', [], { strict: true }),
    ],
    ['no object', () => bind([0], 5 as never)],
    ['migrating to node -1', () => migrate(machine, range, -1)],
    ['unknown advice', () => advise(machine, range, 'willNeed' as never)],
    ['advice of the prototype', () => advise(machine, range, 'toString' as never)],
    ['an unknown mode', () => setHugePages(machine, range, 'always' as never)],
    ['prefaulting with another type', () => prefault(machine, range, { write: 'yes' as never })],
    ['an array that is too short', () => residencyOf(machine, range, { nodeOfPage: new Int16Array(15) })],
    [
      'an array of another type',
      () => residencyOf(machine, range, { nodeOfPage: new Uint8Array(16) as never }),
    ],
    ['alignment that is no power of two', () => alignedRange(range, { alignBytes: 3 * OWN })],
    ['alignment below the page', () => alignedRange(range, { alignBytes: 8 })],
    ['a minimum of nothing', () => alignedRange(range, { minimumBytes: 0 })],
  ])('%s: an error, and the kernel is not asked', (_, call) => {
    kernel.calls.length = 0;
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_PLATFORM_OPTION' }) as Error);
    expect(kernel.calls.filter((name) => name !== 'pageBytes' && name !== 'memoryAddress')).toEqual([]);
  });
});

describe.runIf(native)('alignedRange', () => {
  it('gives the largest range there is: at both ends less than a block is left out', () => {
    const kinds = Object.values(BUFFERS);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: kinds.length - 1 }),
        fc.integer({ min: OWN * 8, max: OWN * 24 }),
        fc.integer({ min: 0, max: OWN * 2 }),
        fc.constantFrom(1, 2),
        (kind, bytes, offset, factor) => {
          const buffer = kinds[kind]?.(bytes) ?? new ArrayBuffer(bytes);
          const alignBytes = OWN * factor;
          const view = new Uint8Array(buffer, offset, bytes - offset);
          const range = valueOf(alignedRange(view, { alignBytes }));
          expect(range.buffer).toBe(buffer);
          expect(range.byteLength % alignBytes).toBe(0);
          expect(range.byteOffset).toBeGreaterThanOrEqual(offset);
          expect(range.byteOffset - offset).toBeLessThan(alignBytes);
          const end = range.byteOffset + range.byteLength;
          expect(end).toBeLessThanOrEqual(bytes);
          expect(bytes - end).toBeLessThan(alignBytes);
          expect(residency(range).status).toBe('verified');
        },
      ),
      { numRuns: 100 },
    );
  });

  it('says how much there is where that is not enough', () => {
    const buffer = new SharedArrayBuffer(OWN * 4, { maxByteLength: OWN * 4 });
    expect(errorOf(() => alignedRange(buffer, { minimumBytes: OWN * 5 })).message).toContain(
      `its whole pages make ${OWN * 4} bytes, ${OWN * 5} are needed`,
    );
    expect(errorOf(() => alignedRange(Buffer.from('a few bytes'))).message).toContain('make 0 bytes');
  });
});

it('the size of a page is known without the addon: from /proc, or as is usual', () => {
  const machine = {
    ...new FakeKernel().machine,
    native: { addon: null, reason: 'of a test' },
    lines: () => ['00400000-00500000 r-xp 0 fe:00 77 /bin/program', 'KernelPageSize:       64 kB'],
  };
  expect(readPageBytes(machine)).toBe(65_536);
  const usual = process.platform === 'darwin' && process.arch === 'arm64' ? 16_384 : PAGE;
  expect(readPageBytes({ ...machine, lines: () => undefined })).toBe(usual);
});
