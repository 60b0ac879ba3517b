// Payloads of every format, good and bad, for the tests of the guard.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import type { Format } from '../src/index.ts';

export const BOMB_BYTES = 50 << 20;

export function fixture(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));
}

export function gzip(bytes: Uint8Array): Buffer {
  return zlib.gzipSync(bytes, { level: 9 });
}

/** With a checksum, which zstd leaves out unless told. */
export function zstd(bytes: Uint8Array, windowLog = 20): Buffer {
  const { ZSTD_c_checksumFlag, ZSTD_c_windowLog } = zlib.constants;
  return zlib.zstdCompressSync(bytes, {
    params: { [ZSTD_c_checksumFlag]: 1, [ZSTD_c_windowLog]: windowLog },
  });
}

/** As a stream, whose frame does not say how much comes out. */
export async function zstdStreamed(bytes: Uint8Array, windowLog = 20): Promise<Buffer> {
  const stream = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: windowLog } });
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => void pieces.push(piece));
  const ended = new Promise((resolve) => void stream.once('end', resolve));
  for (let at = 0; at < bytes.length; at += 1 << 20) stream.write(bytes.subarray(at, at + (1 << 20)));
  stream.end();
  await ended;
  return Buffer.concat(pieces);
}

export interface ZipFileOptions {
  readonly name?: string;
  readonly data: Uint8Array;
  /** 0 stored, 8 deflate, by default; anything else is written as it is. */
  readonly method?: number;
  readonly flags?: number;
  /** Writes sums and sizes behind the data, with or without a signature. */
  readonly descriptor?: 'signed' | 'bare';
  /** Bytes before its local header that are nobody's. */
  readonly before?: Uint8Array;
  /** Fields of the local header that differ from the directory's. */
  readonly local?: { readonly method?: number; readonly name?: string; readonly bytes?: number };
  /** Sizes and sums that are not so, everywhere. */
  readonly claims?: { readonly bytes?: number; readonly crc?: number; readonly packed?: number };
}

export interface ZipOptions {
  readonly comment?: Uint8Array;
  /** Bytes between the last entry and the directory. */
  readonly gap?: Uint8Array;
  /** Directory records that all point at the first entry. */
  readonly repeatFirst?: number;
}

/** A zip written by hand. */
export function zip(files: readonly ZipFileOptions[], options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const records: Buffer[] = [];
  let at = 0;
  for (const [index, file] of files.entries()) {
    const { method = 8, data } = file;
    if (file.before !== undefined) {
      parts.push(Buffer.from(file.before));
      at += file.before.length;
    }
    const name = Buffer.from(file.name ?? `file-${index}`);
    const body = method === 8 ? zlib.deflateRawSync(data, { level: 9 }) : Buffer.from(data);
    const flags = (file.flags ?? 0) | (file.descriptor === undefined ? 0 : 8);
    const crc = file.claims?.crc ?? zlib.crc32(data);
    const packed = file.claims?.packed ?? body.length;
    const bytes = file.claims?.bytes ?? data.length;
    const sums = (later: boolean, size: number): Buffer =>
      words([4, later ? 0 : crc], [4, later ? 0 : packed], [4, later ? 0 : size]);
    const localName = Buffer.from(file.local?.name ?? name);
    const later = file.descriptor !== undefined;
    const local = Buffer.concat([
      words([4, 0x04034b50], [2, 20], [2, flags], [2, file.local?.method ?? method], [4, 0]),
      sums(later, file.local?.bytes ?? bytes),
      words([2, localName.length], [2, 0]),
      localName,
      body,
      later
        ? Buffer.concat([
            file.descriptor === 'signed' ? words([4, 0x08074b50]) : Buffer.alloc(0),
            sums(false, bytes),
          ])
        : Buffer.alloc(0),
    ]);
    records.push(
      Buffer.concat([
        words([4, 0x02014b50], [2, 20], [2, 20], [2, flags], [2, method], [4, 0]),
        sums(false, bytes),
        words([2, name.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, at]),
        name,
      ]),
    );
    parts.push(local);
    at += local.length;
  }
  const [first] = records;
  if (first !== undefined) records.push(...Array.from({ length: options.repeatFirst ?? 0 }, () => first));
  const gap = Buffer.from(options.gap ?? []);
  const directory = Buffer.concat(records);
  const comment = Buffer.from(options.comment ?? []);
  const end = words(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, records.length],
    [2, records.length],
    [4, directory.length],
    [4, at + gap.length],
    [2, comment.length],
  );
  return Buffer.concat([...parts, gap, directory, end, comment]);
}

/**
 * Fifield's bomb: `count` entries that share one kernel. Each entry's data begins with a stored deflate block that quotes the local header
 * of the next one, so that its stream runs through all that follow and ends with the kernel.
 */
export function overlappingZip(count: number, kernelBytes: number): Buffer {
  const kernel = Buffer.alloc(kernelBytes);
  let data = zlib.deflateRawSync(kernel, { level: 9 });
  let content = kernel;
  let file = Buffer.alloc(0);
  const records: { name: Buffer; crc: number; packed: number; bytes: number; size: number }[] = [];
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      const length = file.length - data.length;
      const quoted = file.subarray(0, length);
      const block = words([1, 0], [2, length], [2, ~length & 0xffff]);
      data = Buffer.concat([block, file]);
      content = Buffer.concat([quoted, content]);
    }
    const name = Buffer.from(String(i));
    const crc = zlib.crc32(content);
    const header = Buffer.concat([
      words(
        [4, 0x04034b50],
        [2, 20],
        [2, 0],
        [2, 8],
        [4, 0],
        [4, crc],
        [4, data.length],
        [4, content.length],
      ),
      words([2, name.length], [2, 0]),
      name,
    ]);
    file = Buffer.concat([header, data]);
    records.push({ name, crc, packed: data.length, bytes: content.length, size: file.length });
  }
  const directory = Buffer.concat(
    records.map(({ name, crc, packed, bytes, size }) =>
      Buffer.concat([
        words([4, 0x02014b50], [2, 20], [2, 20], [2, 0], [2, 8], [4, 0], [4, crc], [4, packed], [4, bytes]),
        words([2, name.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, file.length - size]),
        name,
      ]),
    ),
  );
  const end = words([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length]);
  return Buffer.concat([file, directory, end, words([4, file.length], [2, 0])]);
}

/** Little-endian words: size in bytes, value. */
function words(...list: readonly (readonly [1 | 2 | 4, number])[]): Buffer {
  return Buffer.concat(
    list.map(([size, value]) => {
      const word = Buffer.alloc(size);
      word.writeUIntLE(size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1), 0, size);
      return word;
    }),
  );
}

/** 50 MB of zeros in each format that has one here. */
export function bombs(): Readonly<Record<Format, Buffer>> {
  const zeros = Buffer.alloc(BOMB_BYTES);
  return {
    gzip: gzip(zeros),
    zip: zip([{ data: zeros }]),
    xz: fixture('zeros-50m.xz'),
    zstd: zstdOf(zeros),
    br: zlib.brotliCompressSync(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
    deflate: zlib.deflateSync(zeros, { level: 9 }),
    'deflate-raw': zlib.deflateRawSync(zeros, { level: 9 }),
  };
}

/** Frames of 1 MiB, so that the window of each is no more than that. */
function zstdOf(bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 1 << 20) frames.push(zstd(bytes.subarray(at, at + (1 << 20))));
  return Buffer.concat(frames);
}
