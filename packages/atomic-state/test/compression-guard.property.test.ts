import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { CompressionGuard, formatOf, isPassed, type Encoding } from '../src/index.ts';
import { fixture, gzip, zip, zstd } from './payloads.ts';

// Of 50 MB on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

/** Bytes as they come: some compress, some do not. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 0, maxLength: 40 }), fc.integer({ min: 1, max: 400 })), {
    maxLength: 12,
  })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));

interface Packing {
  readonly name: string;
  readonly encoding: Encoding | undefined;
  readonly pack: (bytes: Buffer) => Buffer;
}

/** All that can be compressed here; `sum`: with a checksum over what comes out and over what matters of the envelope. */
const PACKINGS: readonly Packing[] = [
  { name: 'gzip', encoding: undefined, pack: gzip },
  {
    name: 'gzip of two members',
    encoding: undefined,
    pack: (bytes) => Buffer.concat([gzip(bytes.subarray(0, 100)), gzip(bytes.subarray(100))]),
  },
  { name: 'zstd', encoding: undefined, pack: (bytes) => zstd(bytes) },
  {
    name: 'zip',
    encoding: undefined,
    pack: (bytes) => zip([{ data: bytes.subarray(0, 100) }, { data: bytes.subarray(100), method: 0 }]),
  },
  { name: 'deflate', encoding: 'deflate', pack: (bytes) => zlib.deflateSync(bytes) },
  { name: 'br', encoding: 'br', pack: (bytes) => zlib.brotliCompressSync(bytes) },
];
const SUMMED = PACKINGS.filter(({ name }) => name !== 'br');

/** Everything that the visitor of an inspection saw. */
async function inspectSeen(
  guard: CompressionGuard,
  bytes: Uint8Array,
  encoding: Encoding | undefined,
): Promise<{ outcome: string; bytesOut: number; passed: boolean; seen: Buffer }> {
  const pieces: Buffer[] = [];
  const { outcome, bytesOut } = await guard.inspect(bytes, {
    encoding,
    visit: (piece) => void pieces.push(Buffer.from(piece)),
  });
  return { outcome, bytesOut, passed: isPassed(outcome), seen: Buffer.concat(pieces) };
}

describe('any payload', () => {
  const guard = new CompressionGuard({ maxRatio: Infinity, maxMs: 60_000 });

  it.each(PACKINGS)('that is whole passes, and all of it was seen: $name', async ({ pack, encoding }) => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const found = await inspectSeen(guard, pack(bytes), encoding);
        expect(found).toMatchObject({ outcome: 'passed', bytesOut: bytes.length });
        expect(found.seen.equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each(PACKINGS)('that is cut off does not pass: $name', async ({ pack, encoding }) => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (bytes, at) => {
          const packed = pack(bytes);
          const cut = packed.subarray(0, Math.floor(at * packed.length));
          const declared = encoding ?? formatOf(packed);
          expect((await guard.inspect(cut, { encoding: declared })).outcome).not.toBe('passed');
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(SUMMED)(
    'with one bit changed either does not pass, or gives the same bytes: $name',
    async ({ pack, encoding }) => {
      await fc.assert(
        fc.asyncProperty(content, fc.nat(), async (bytes, bit) => {
          const packed = pack(bytes);
          const declared = encoding ?? formatOf(packed);
          const at = bit % (8 * packed.length);
          packed.writeUInt8(packed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
          const found = await inspectSeen(guard, packed, declared);
          // Time stamps and names are bits that nothing depends on.
          if (found.passed) expect(found.seen.equals(bytes)).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('with one bit changed either does not pass, or gives the same bytes: xz, every bit of it', async () => {
    for (const name of ['json.xz', 'blocks.xz']) {
      const whole = fixture(name);
      const { seen: expected } = await inspectSeen(guard, whole, undefined);
      for (let at = 0; at < 8 * whole.length; at += name === 'json.xz' ? 1 : 17) {
        const packed = Buffer.from(whole);
        packed.writeUInt8(packed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
        const found = await inspectSeen(guard, packed, 'xz');
        expect({ at, harm: found.passed && !found.seen.equals(expected) }).toEqual({ at, harm: false });
      }
    }
    // The decoder is as good as new after all of them.
    expect((await guard.inspect(fixture('json.xz'))).outcome).toBe('passed');
  });

  it('that is nothing but noise behind a magic number ends in an outcome', async () => {
    const magics = [
      [0x1f, 0x8b, 8],
      [0x50, 0x4b, 3, 4],
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
      [0x28, 0xb5, 0x2f, 0xfd],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...magics),
        fc.uint8Array({ maxLength: 300 }),
        async (magic, noise) => {
          const { outcome } = await guard.inspect(Uint8Array.from([...magic, ...noise]));
          expect(['corrupt', 'unsupported', 'window too large']).toContain(outcome);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the caps', () => {
  it.each(PACKINGS)(
    'hold, whatever they are: the visitor never sees a byte above them: $name',
    async ({ pack, encoding }) => {
      await fc.assert(
        fc.asyncProperty(
          content,
          fc.integer({ min: 1, max: 60_000 }),
          fc.oneof(fc.constant(Infinity), fc.double({ min: 1, max: 200, noNaN: true })),
          async (bytes, maxBytes, maxRatio) => {
            const packed = pack(bytes);
            const capped = new CompressionGuard({ maxBytes, maxRatio, maxMs: 60_000 });
            const { outcome, seen } = await inspectSeen(capped, packed, encoding);
            expect(seen.length).toBeLessThanOrEqual(maxBytes);
            const within = bytes.length <= maxBytes;
            const thin = bytes.length < 65_536 || bytes.length <= maxRatio * packed.length;
            expect(outcome).toBe(within && thin ? 'passed' : within ? 'ratio too high' : outcome);
            if (!within) expect(outcome).not.toBe('passed');
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});

describe('formatOf', () => {
  it('takes any bytes, and says what the first six say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        expect(formatOf(bytes)).toBe(formatOf(bytes.subarray(0, 6)));
      }),
    );
    for (const { pack, name } of PACKINGS.slice(0, 4))
      expect(formatOf(pack(Buffer.from('text')))).toBe(name.split(' ', 1)[0]);
    expect(formatOf(fixture('json.xz'))).toBe('xz');
  });
});
