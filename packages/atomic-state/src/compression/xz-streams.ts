// Where the streams of an xz payload begin and end (The .xz File Format 1.2.0), and what each asks of its decoder: the library that
// inflates ends at the end of the first stream, and takes any dictionary of up to 64 MiB. LZMA2 chunks say how long they are, so a
// stream is walked without inflating it. What is in a chunk, the index and the sums over content are for the decoder to judge.
import { crc32 } from 'node:zlib';

export interface XzStream {
  /** Index behind its footer. */
  readonly end: number;
  /** Memory that the largest dictionary of its blocks takes. */
  readonly dictionaryBytes: number;
  /** What the decoder cannot do, where there is something. */
  readonly unsupported: string | undefined;
}

const HEADER_BYTES = 12;
const FOOTER_BYTES = 12;
const LZMA2 = 0x21;
/** Bytes of a block's check, by its type; of these the decoder knows none, CRC32 and CRC64. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const KNOWN_CHECKS: readonly number[] = [0, 1, 4];

/** Steps between two looks at the clock: some 100 µs. */
const STEPS_A_LOOK = 4096;

/**
 * @param inTime asked now and then: a stream may have a chunk for every 4 bytes of input
 * @returns undefined where no whole stream begins at `at`, or where it took too long to find its end
 */
export function xzStreamAt(input: Uint8Array, at: number, inTime: () => boolean): XzStream | undefined {
  const walk = new Walk(input, at, inTime);
  if (!walk.header()) return undefined;
  while (walk.atBlock) if (!walk.block()) return undefined;
  if (!walk.index()) return undefined;
  return { end: walk.at, dictionaryBytes: walk.dictionaryBytes, unsupported: walk.unsupported };
}

class Walk {
  readonly #input: Uint8Array;
  readonly #view: DataView;
  readonly #from: number;
  readonly #inTime: () => boolean;
  #steps = 0;
  #checkBytes = 0;
  at: number;
  dictionaryBytes = 0;
  unsupported: string | undefined;

  constructor(input: Uint8Array, at: number, inTime: () => boolean) {
    this.#input = input;
    this.#inTime = inTime;
    this.#view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    this.#from = at;
    this.at = at;
  }

  header(): boolean {
    const { at } = this;
    const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0];
    if (at + HEADER_BYTES > this.#input.length || magic.some((byte, i) => this.#input[at + i] !== byte))
      return false;
    if (!this.#sumHolds(at + 6, at + 8) || this.#byte(at + 6) !== 0) return false;
    const check = this.#byte(at + 7);
    if (check > 15) return false;
    this.#checkBytes = CHECK_BYTES[check] as number;
    if (!KNOWN_CHECKS.includes(check)) this.unsupported = `check of type ${check}`;
    this.at = at + HEADER_BYTES;
    return true;
  }

  /** A block, where its header's first byte is not 0. */
  get atBlock(): boolean {
    return this.at < this.#input.length && this.#byte(this.at) !== 0;
  }

  block(): boolean {
    if (!this.#step()) return false;
    const end = this.at + (this.#byte(this.at) + 1) * 4;
    if (end > this.#input.length || !this.#sumHolds(this.at, end - 4)) return false;
    const flags = this.#byte(this.at + 1);
    this.at += 2;
    if ((flags & 0x40) !== 0) this.#varint();
    if ((flags & 0x80) !== 0) this.#varint();
    const filters = (flags & 3) + 1;
    const filter = this.#varint();
    const propertyBytes = this.#varint();
    if (filters !== 1 || filter !== LZMA2) {
      // How long its chunks are cannot be known without its filters: the rest of the payload is not looked at.
      this.unsupported ??= filters === 1 ? `filter ${filter}` : `${filters} filters`;
      this.at = this.#input.length;
      return true;
    }
    const bits = this.#byte(this.at);
    if (propertyBytes !== 1 || bits > 40) return false;
    const bytes = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
    this.dictionaryBytes = Math.max(this.dictionaryBytes, bytes);
    this.at = end;
    return this.#chunks() && this.#padding() && this.#skip(this.#checkBytes);
  }

  index(): boolean {
    if (this.unsupported !== undefined) return true;
    this.at++;
    const records = this.#varint();
    for (let record = 0; record < records; record++) {
      if (this.at >= this.#input.length || !this.#step()) return false;
      this.#varint();
      this.#varint();
    }
    if (!this.#padding() || !this.#skip(4 + FOOTER_BYTES)) return false;
    return this.#byte(this.at - 2) === 0x59 && this.#byte(this.at - 1) === 0x5a;
  }

  #chunks(): boolean {
    while (this.#step()) {
      const control = this.#byte(this.at);
      if (control === 0) return this.#skip(1);
      const packed = control >= 0x80;
      if (!packed && control > 2) return false;
      const sizeAt = this.at + (packed ? 3 : 1);
      const headerBytes = packed ? (control >= 0xc0 ? 6 : 5) : 3;
      const bytes = ((this.#byte(sizeAt) << 8) | this.#byte(sizeAt + 1)) + 1;
      if (!this.#skip(headerBytes + bytes)) return false;
    }
    return false;
  }

  /** @returns false where it takes too long */
  #step(): boolean {
    return ++this.#steps % STEPS_A_LOOK !== 0 || this.#inTime();
  }

  /** Zeros up to a multiple of 4. */
  #padding(): boolean {
    while (((this.at - this.#from) & 3) !== 0) {
      if (this.#byte(this.at) !== 0) return false;
      this.at++;
    }
    return true;
  }

  #skip(bytes: number): boolean {
    this.at += bytes;
    return this.at <= this.#input.length;
  }

  /** 0 beyond the end: whoever reads there finds out by `at`. */
  #byte(at: number): number {
    return this.#input[at] ?? 0;
  }

  #varint(): number {
    let value = 0;
    for (let i = 0; i < 9; i++) {
      const byte = this.#byte(this.at++);
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) break;
    }
    return value;
  }

  #sumHolds(from: number, to: number): boolean {
    return (
      to + 4 <= this.#input.length && this.#view.getUint32(to, true) === crc32(this.#input.subarray(from, to))
    );
  }
}
