import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import {
  CompressionGuard,
  isBomb,
  isPassed,
  OUTCOMES,
  type CompressionGuardOptions,
  type Encoding,
  type Format,
  type Inspection,
} from '../src/index.ts';
import { BOMB_BYTES, bombs, fixture, gzip, zip, zstd, zstdStreamed } from './payloads.ts';

// Of 50 MB on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const JSON_BYTES = Buffer.from('{"zen":"Keep it logically awesome.","hook_id":1,"list":[1,2,3]}');
/** Of 100,000 bytes or so; compresses 4:1. */
const TEXT = Buffer.from(
  Array.from({ length: 2500 }, (_, i) => `line ${i} of a text, ${(i * 7919) % 10_007}\n`).join(''),
);

const PACKED: Readonly<Record<Format, (bytes: Uint8Array) => Buffer>> = {
  gzip,
  zip: (data) => zip([{ data }]),
  xz: () => fixture('json.xz'),
  zstd,
  br: (bytes) => zlib.brotliCompressSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  'deflate-raw': (bytes) => zlib.deflateRawSync(bytes),
};
const ALL = Object.keys(PACKED) as Format[];
const DECLARED: readonly Format[] = ['br', 'deflate', 'deflate-raw'];

function encodingFor(format: Format): Encoding | undefined {
  return DECLARED.includes(format) ? format : undefined;
}

async function inspect(
  bytes: Uint8Array,
  options: CompressionGuardOptions = {},
  encoding?: Encoding,
): Promise<Inspection & { seen: Buffer }> {
  const pieces: Buffer[] = [];
  const guard = new CompressionGuard({ maxMs: 20_000, ...options });
  const inspection = await guard.inspect(bytes, {
    encoding,
    visit: (piece) => void pieces.push(Buffer.from(piece)),
  });
  return { ...inspection, seen: Buffer.concat(pieces) };
}

describe('what is let through', () => {
  it('is what is not compressed, unseen and uncounted', async () => {
    for (const bytes of [JSON_BYTES, Buffer.alloc(0), Buffer.alloc(BOMB_BYTES), Buffer.from([0x1f, 0x8b])])
      expect(await inspect(bytes, { maxBytes: 1 })).toMatchObject({
        outcome: 'plain',
        format: undefined,
        bytesIn: bytes.length,
        bytesOut: 0,
        seen: Buffer.alloc(0),
      });
    expect((await inspect(JSON_BYTES, {}, 'identity')).outcome).toBe('plain');
  });

  it.each(ALL)(
    'is a whole payload within the caps, every byte of which the visitor sees: %s',
    async (format) => {
      const found = await inspect(PACKED[format](JSON_BYTES), {}, encodingFor(format));
      expect(found).toMatchObject({ outcome: 'passed', format, reason: undefined, members: 1, depth: 1 });
      expect(found.bytesOut).toBe(JSON_BYTES.length);
      expect(found.ratio).toBe(found.bytesOut / found.bytesIn);
      expect(found.seen).toEqual(JSON_BYTES);
      // The same where it is declared.
      expect((await inspect(PACKED[format](JSON_BYTES), {}, format)).outcome).toBe('passed');
    },
  );

  it('is nothing but what was packed, also through a shared buffer and at an odd offset', async () => {
    const packed = gzip(TEXT);
    const shared = new Uint8Array(new SharedArrayBuffer(packed.length + 3), 3);
    shared.set(packed);
    expect((await inspect(shared)).seen).toEqual(TEXT);
    expect((await inspect(zip([{ data: TEXT }, { data: JSON_BYTES, method: 0 }]))).seen).toEqual(
      Buffer.concat([TEXT, JSON_BYTES]),
    );
  });
});

describe('bombs of 50 MB', () => {
  const made = bombs();

  it.each(ALL)('are refused by ratio after little of them was inflated: %s', async (format) => {
    const found = await inspect(made[format], {}, encodingFor(format));
    expect(found.outcome).toBe('ratio too high');
    expect(isBomb(found.outcome) && !isPassed(found.outcome)).toBe(true);
    // 64 KiB from which a ratio counts, or 10 times what came in, and one piece more.
    expect(found.bytesOut).toBeLessThanOrEqual(Math.max(65_536, 10 * found.bytesIn) + 65_536);
    expect(found.reason).toContain('10:1');
  });

  it.each(ALL)('are refused by size where any ratio may pass: %s', async (format) => {
    const found = await inspect(made[format], { maxRatio: Infinity, maxBytes: 1 << 20 }, encodingFor(format));
    expect(found.outcome).toBe('too many bytes');
    expect(found.seen.length).toBeLessThanOrEqual(1 << 20);
  });

  it.each(ALL)('pass where the caps are above them, byte for byte: %s', async (format) => {
    const guard = new CompressionGuard({ maxRatio: Infinity, maxBytes: BOMB_BYTES, maxMs: 60_000 });
    let largest = 0;
    const found = await guard.inspect(made[format], {
      encoding: encodingFor(format),
      visit: ({ length }) => (largest = Math.max(largest, length)),
    });
    expect(found).toMatchObject({ outcome: 'passed', bytesOut: BOMB_BYTES });
    expect(largest).toBeLessThanOrEqual(65_536);
  });

  it('end at their deadline, at the latest', async () => {
    const found = await inspect(made.gzip, { maxRatio: Infinity, maxBytes: BOMB_BYTES, maxMs: 5 });
    expect(found.outcome).toBe('too slow');
    expect(found.elapsedMs).toBeGreaterThanOrEqual(5);
  });

  it('do not come by as the first of several members, nor as the last', async () => {
    const small = gzip(JSON_BYTES);
    for (const bytes of [Buffer.concat([made.gzip, small]), Buffer.concat([small, made.gzip])])
      expect((await inspect(bytes)).outcome).toBe('ratio too high');
    for (const files of [
      [{ data: JSON_BYTES }, { data: Buffer.alloc(1 << 20) }],
      [{ data: Buffer.alloc(1 << 20) }, { data: JSON_BYTES }],
    ])
      expect((await inspect(zip(files))).outcome).toBe('ratio too high');
    const frame = zstd(JSON_BYTES);
    expect((await inspect(Buffer.concat([frame, made.zstd]))).outcome).toBe('ratio too high');
  });

  it('are no secret to the ratio below 64 KiB of output: there it says nothing', async () => {
    const zeros = gzip(Buffer.alloc(65_535));
    expect((await inspect(zeros)).outcome).toBe('passed');
    expect((await inspect(gzip(Buffer.alloc(65_536)))).outcome).toBe('ratio too high');
  });
});

describe('input that says little', () => {
  it('is walked in time: frames and streams of millions of empty blocks and chunks', async () => {
    const frame = Buffer.alloc(24 << 20);
    frame.set([0x28, 0xb5, 0x2f, 0xfd, 0, 0x50]);
    const stream = Buffer.alloc(24 << 20, 2);
    // A stream's and a block's header, then chunks of one byte that are not packed: 02 00 00 and the byte.
    stream.set(fixture('json.xz').subarray(0, 24));
    for (let at = 24; at + 4 <= stream.length; at += 4) stream.set([2, 0, 0, 7], at);
    for (const bytes of [frame, stream]) await inspect(bytes.subarray(0, 100)); // all of it is imported
    // A millisecond passes from look to look at the clock: it ends at the first one that is late, and there are many.
    let nowMs = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs++);
    try {
      for (const bytes of [frame, stream]) {
        const { outcome, elapsedMs } = await inspect(bytes, { maxMs: 5 });
        expect(outcome).toBe('too slow');
        const whole = await inspect(bytes, { maxMs: 60_000 });
        expect(whole.outcome).toBe('corrupt');
        expect(elapsedMs).toBeLessThanOrEqual(10);
        expect(elapsedMs).toBeLessThan(whole.elapsedMs / 2);
      }
    } finally {
      clock.mockRestore();
    }
  });
});

describe('what headers say', () => {
  it('may be all that a gzip header can hold, and its own checksum must be right', async () => {
    const [text, name] = [gzip(TEXT), Buffer.from('name\0comment\0')];
    const header = Buffer.concat([text.subarray(0, 10), Buffer.from([3, 0, 1, 2, 3]), name]);
    header.writeUInt8(2 | 4 | 8 | 16, 3);
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(zlib.crc32(header) & 0xffff);
    expect(zlib.gunzipSync(Buffer.concat([header, sum, text.subarray(10)]))).toEqual(TEXT);
    expect((await inspect(Buffer.concat([header, sum, text.subarray(10)]))).outcome).toBe('passed');
    sum.writeUInt16LE((zlib.crc32(header) & 0xffff) ^ 1);
    expect((await inspect(Buffer.concat([header, sum, text.subarray(10)]))).outcome).toBe('corrupt');
  });

  it('is not believed of a gzip: neither its time stamp nor its size', async () => {
    const packed = gzip(TEXT);
    packed.writeUInt32LE(0xffffffff, 4);
    expect((await inspect(packed)).outcome).toBe('passed');
    const liar = gzip(Buffer.alloc(BOMB_BYTES));
    liar.writeUInt32LE(10, liar.length - 4);
    expect((await inspect(liar)).outcome).toBe('ratio too high');
  });

  it('is not believed of a zip: an entry that claims to be small is counted as it is', async () => {
    const data = Buffer.alloc(BOMB_BYTES);
    expect((await inspect(zip([{ data, claims: { bytes: 10 } }]))).outcome).toBe('ratio too high');
  });

  it('decides what window a decoder must keep, and a large one is refused before it is kept', async () => {
    const limits = { maxWindowBytes: 1 << 20, maxRatio: Infinity };
    expect((await inspect(await zstdStreamed(TEXT, 21), limits)).outcome).toBe('window too large');
    expect((await inspect(await zstdStreamed(TEXT, 20), limits)).outcome).toBe('passed');
    expect((await inspect(fixture('large-dictionary.xz'))).outcome).toBe('window too large');
    expect((await inspect(fixture('large-dictionary.xz'), { maxWindowBytes: 16 << 20 })).outcome).toBe(
      'passed',
    );
  });
});

describe('the declared encoding', () => {
  it('must be what the first bytes say', async () => {
    expect((await inspect(zstd(TEXT), {}, 'gzip')).outcome).toBe('mismatched encoding');
    expect((await inspect(gzip(TEXT), {}, 'identity')).outcome).toBe('mismatched encoding');
    expect((await inspect(TEXT, {}, 'gzip')).outcome).toBe('mismatched encoding');
    expect((await inspect(gzip(TEXT), {}, 'br')).outcome).toBe('mismatched encoding');
    expect((await inspect(gzip(TEXT), {}, 'deflate-raw')).outcome).toBe('mismatched encoding');
    expect((await inspect(Buffer.alloc(0), {}, 'gzip')).outcome).toBe('mismatched encoding');
  });

  it('decides where a format without a magic number happens to begin as another', async () => {
    const content = Buffer.from(Array.from({ length: 2188 }, (_, i) => (i * 7919) % 251));
    const brotli = zlib.brotliCompressSync(content, { params: { [zlib.constants.BROTLI_PARAM_LGWIN]: 24 } });
    expect(brotli.subarray(0, 3)).toEqual(Buffer.from([0x1f, 0x8b, 0x08]));
    expect(await inspect(brotli, {}, 'br')).toMatchObject({
      outcome: 'passed',
      format: 'br',
      bytesOut: 2188,
    });
    expect((await inspect(brotli)).outcome).toBe('corrupt');
  });

  it('is refused where it is none that is known', async () => {
    expect((await inspect(TEXT, {}, 'compress' as Encoding)).outcome).toBe('unsupported');
  });
});

describe('what is not whole', () => {
  it.each(ALL)('is corrupt wherever it was cut off: %s', async (format) => {
    const packed = PACKED[format](JSON_BYTES);
    const guard = new CompressionGuard();
    for (let end = 0; end < packed.length; end++) {
      const { outcome } = await guard.inspect(packed.subarray(0, end), { encoding: format });
      expect({ end, passed: isPassed(outcome) }).toEqual({ end, passed: false });
    }
  });

  it.each(ALL)('is corrupt where something follows its end: %s', async (format) => {
    const packed = PACKED[format](JSON_BYTES);
    const encoding = encodingFor(format);
    for (const tail of [Buffer.alloc(1), Buffer.alloc(3), Buffer.from('x'), randomBytes(5000)])
      expect((await inspect(Buffer.concat([packed, tail]), {}, encoding)).outcome).toBe('corrupt');
  });

  it('may be padded with zeros where the format says so: xz, to a multiple of 4', async () => {
    expect((await inspect(Buffer.concat([fixture('json.xz'), Buffer.alloc(8)]))).outcome).toBe('passed');
    expect((await inspect(Buffer.concat([fixture('json.xz'), Buffer.alloc(6)]))).outcome).toBe('corrupt');
    expect((await inspect(Buffer.concat([gzip(JSON_BYTES), Buffer.alloc(512)]))).outcome).toBe('corrupt');
  });
});

describe('members', () => {
  it('are all inflated, counted, and seen in order', async () => {
    const parts = [JSON_BYTES, TEXT, Buffer.alloc(0), JSON_BYTES];
    const whole = Buffer.concat(parts);
    expect(await inspect(Buffer.concat(parts.map(gzip)))).toMatchObject({
      outcome: 'passed',
      members: 4,
      bytesOut: whole.length,
      seen: whole,
    });
    expect(await inspect(Buffer.concat(parts.map((part) => zstd(part))))).toMatchObject({
      outcome: 'passed',
      members: 4,
      seen: whole,
    });
    const xz = fixture('json.xz');
    expect(await inspect(Buffer.concat([xz, Buffer.alloc(4), xz, xz]))).toMatchObject({
      outcome: 'passed',
      members: 3,
      bytesOut: 3 * JSON_BYTES.length,
    });
    expect(await inspect(zip(parts.map((data) => ({ data }))))).toMatchObject({
      outcome: 'passed',
      members: 4,
      seen: whole,
    });
  });

  it('are capped: a million tiny ones cost time, too', async () => {
    const tiny = gzip(Buffer.alloc(0));
    const frame = zstd(Buffer.alloc(0));
    const many = (part: Buffer, count: number): Buffer =>
      Buffer.concat(Array.from({ length: count }, () => part));
    expect((await inspect(many(tiny, 5), { maxMembers: 5 })).outcome).toBe('passed');
    expect((await inspect(many(tiny, 6), { maxMembers: 5 })).outcome).toBe('too many members');
    expect((await inspect(many(frame, 6), { maxMembers: 5 })).outcome).toBe('too many members');
    expect((await inspect(many(fixture('json.xz'), 6), { maxMembers: 5 })).outcome).toBe('too many members');
    const files = Array.from({ length: 6 }, () => ({ data: Buffer.alloc(0) }));
    expect((await inspect(zip(files), { maxMembers: 5 })).outcome).toBe('too many members');
    expect((await inspect(many(tiny, 300_000), { maxMs: 60_000 })).outcome).toBe('too many members');
  });

  it('of an xz may have many blocks', async () => {
    expect(await inspect(fixture('blocks.xz'))).toMatchObject({ outcome: 'passed', members: 1 });
  });

  it('of a zstd may be skippable frames, which no decoder shows', async () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5]);
    const found = await inspect(Buffer.concat([skippable, zstd(JSON_BYTES), skippable]));
    expect(found).toMatchObject({ outcome: 'passed', format: 'zstd', members: 3, seen: JSON_BYTES });
    const bomb = Buffer.concat([skippable, zstd(Buffer.alloc(1 << 20))]);
    expect((await inspect(bomb)).outcome).toBe('ratio too high');
    expect((await inspect(skippable.subarray(0, -1))).outcome).toBe('corrupt');
  });
});

describe('what cannot be inspected', () => {
  it('is never passed: formats that are left out, checks and filters that the decoder lacks, dictionaries', async () => {
    for (const format of ALL)
      expect((await inspect(PACKED[format](JSON_BYTES), { formats: [] }, format)).outcome).toBe(
        'unsupported',
      );
    expect(await inspect(fixture('sha256.xz'))).toMatchObject({
      outcome: 'unsupported',
      reason: 'xz: check of type 10',
    });
    expect(await inspect(fixture('filtered.xz'))).toMatchObject({
      outcome: 'unsupported',
      reason: 'xz: 2 filters',
    });
    const dictionary = Buffer.from('Keep it logically awesome.');
    expect((await inspect(zlib.deflateSync(JSON_BYTES, { dictionary }), {}, 'deflate')).outcome).toBe(
      'unsupported',
    );
  });

  it('is said beforehand', async () => {
    const all = await new CompressionGuard().capabilities();
    expect(Object.values(all)).toEqual(ALL.map(() => ({ inspectable: true })));
    const some = await new CompressionGuard({ formats: ['gzip'] }).capabilities();
    expect(some.gzip).toEqual({ inspectable: true });
    expect(some.xz).toEqual({ inspectable: false, reason: 'it is not among the option formats' });
  });
});

describe('layers', () => {
  const inner = gzip(Buffer.alloc(1 << 20));
  const outer = gzip(inner);

  it('are one, by default; what lies deeper is named', async () => {
    expect(await inspect(outer)).toMatchObject({ outcome: 'passed', depth: 1, nested: 'gzip' });
    expect((await inspect(gzip(TEXT))).nested).toBeUndefined();
    expect(await inspect(zip([{ data: TEXT }, { data: zstd(TEXT), method: 0 }]))).toMatchObject({
      nested: 'zstd',
    });
    expect((await inspect(zlib.brotliCompressSync(fixture('json.xz')), {}, 'br')).nested).toBe('xz');
  });

  it('are inflated as deep as allowed, under the same caps', async () => {
    expect(await inspect(outer, { maxDepth: 2 })).toMatchObject({ outcome: 'ratio too high', depth: 2 });
    const all = await inspect(outer, { maxDepth: 2, maxRatio: Infinity });
    expect(all).toMatchObject({ outcome: 'passed', depth: 2, nested: undefined, members: 2 });
    expect(all.bytesOut).toBe(inner.length + (1 << 20));
    // Only the outermost layer is shown.
    expect(all.seen).toEqual(inner);
    const zipped = zip([{ data: gzip(zstd(TEXT)) }, { data: JSON_BYTES }]);
    expect(await inspect(zipped, { maxDepth: 2 })).toMatchObject({
      outcome: 'passed',
      depth: 2,
      nested: 'zstd',
    });
    expect(await inspect(zipped, { maxDepth: 3 })).toMatchObject({
      outcome: 'passed',
      depth: 3,
      nested: undefined,
    });
    expect((await inspect(gzip(gzip(TEXT).subarray(0, -1)), { maxDepth: 2 })).outcome).toBe('corrupt');
  });
});

describe('options', () => {
  it('are checked, with what was found and what was expected', () => {
    const make = (options: unknown) => (): CompressionGuard =>
      new CompressionGuard(options as CompressionGuardOptions);
    expect(make({ maxBytes: 0 })).toThrow(/maxBytes is 0, expected an integer from 1 to/);
    expect(make({ maxRatio: 0.5 })).toThrow('maxRatio is 0.5, expected at least 1');
    expect(make({ maxRatio: Number.NaN })).toThrow('maxRatio is NaN');
    expect(make({ maxWindowBytes: 1 << 30 })).toThrow(
      /maxWindowBytes is 1073741824, expected an integer from 1024/,
    );
    expect(make({ maxSize: 5 })).toThrow(/maxSize is no option, expected one of maxBytes/);
    expect(make({ formats: ['rar'] })).toThrow(/formats is "rar", expected some of gzip, zip/);
    expect(make({ formats: 'gzip' })).toThrow(/expected an array/);
    expect(make({ maxMs: Infinity })).toThrow(expect.objectContaining({ code: 'ERR_GUARD_OPTION' }));
  });

  it('say what `bytes` must be', async () => {
    await expect(new CompressionGuard().inspect('text' as never)).rejects.toMatchObject({
      code: 'ERR_GUARD_OPTION',
    });
  });
});

describe('figures', () => {
  it('add up, by outcome and by format', async () => {
    const guard = new CompressionGuard();
    const seen: Inspection[] = [];
    const payloads = [
      JSON_BYTES,
      gzip(TEXT),
      gzip(Buffer.alloc(1 << 20)),
      zstd(TEXT),
      gzip(TEXT).subarray(1),
      gzip(TEXT).subarray(0, -1),
    ];
    for (const bytes of payloads) seen.push(await guard.inspect(bytes));
    const metrics = guard.metrics();
    expect(metrics).toMatchObject({
      inspected: 6,
      passed: 4,
      refused: 2,
      rejected: 0,
      running: 0,
      waiting: 0,
    });
    expect(Object.values(metrics.outcomes).reduce((a, b) => a + b)).toBe(6);
    expect(metrics.outcomes).toMatchObject({ plain: 2, passed: 2, 'ratio too high': 1, corrupt: 1 });
    expect(Object.keys(metrics.outcomes)).toEqual(OUTCOMES);
    expect(metrics.formats.gzip).toMatchObject({ inspected: 3, passed: 1, refused: 2 });
    expect(metrics.bytesIn).toBe(payloads.reduce((sum, { length }) => sum + length, 0));
    expect(metrics.bytesOut).toBe(seen.reduce((sum, { bytesOut }) => sum + bytesOut, 0));
    expect(metrics.largestRatio).toBe(Math.max(...seen.map(({ ratio }) => ratio)));
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });
});
