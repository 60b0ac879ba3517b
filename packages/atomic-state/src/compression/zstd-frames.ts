// Where the frames of a zstd payload (RFC 8878) begin and end, and what each asks of its decoder. node:zlib's decoder ends at the end of
// the first frame and says nothing of a truncated one, so both are found here; what is inside a block is for it to judge.

import { turnOfTheLoop } from './turn.ts';

export interface ZstdFrame {
  /** Index behind its last byte. */
  readonly end: number;
  /** Nothing comes out of a skippable frame. */
  readonly skippable: boolean;
  /** Memory that its decoder must keep. */
  readonly windowBytes: number;
  readonly needsDictionary: boolean;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const BlockType = { Raw: 0, Rle: 1, Compressed: 2, Reserved: 3 } as const;

/** Blocks between two turns of the event loop: some 2 ms. */
const BLOCKS_A_TURN = 1 << 18;

/**
 * @param inTime asked now and then, after a turn of the event loop: a frame may have a block for every 3 bytes of input
 * @returns undefined where no whole frame begins at `at`, or where it took too long to find its end
 */
export async function zstdFrameAt(
  view: DataView,
  at: number,
  inTime: () => boolean,
): Promise<ZstdFrame | undefined> {
  if (at + 8 > view.byteLength) return undefined;
  const magic = view.getUint32(at, true);
  if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE) {
    const end = at + 8 + view.getUint32(at + 4, true);
    return end > view.byteLength
      ? undefined
      : { end, skippable: true, windowBytes: 0, needsDictionary: false };
  }
  if (magic !== MAGIC) return undefined;
  const descriptor = view.getUint8(at + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const dictionaryAt = at + 5 + (singleSegment ? 0 : 1);
  const sizeAt = dictionaryAt + dictionaryBytes;
  const end = await blocksEnd(view, sizeAt + sizeBytes, (descriptor & 4) !== 0, inTime);
  if (end === undefined) return undefined;
  return {
    end,
    skippable: false,
    windowBytes: singleSegment ? contentBytes(view, sizeAt, sizeBytes) : windowOf(view.getUint8(at + 5)),
    needsDictionary: littleEndian(view, dictionaryAt, dictionaryBytes) !== 0,
  };
}

/** Index behind the blocks that begin at `at`, and their checksum. */
async function blocksEnd(
  view: DataView,
  at: number,
  checksum: boolean,
  inTime: () => boolean,
): Promise<number | undefined> {
  let next = at;
  let blocks = 0;
  for (let last = false; !last;) {
    if (++blocks % BLOCKS_A_TURN === 0) {
      await turnOfTheLoop();
      if (!inTime()) return undefined;
    }
    if (next + BLOCK_HEADER_BYTES > view.byteLength) return undefined;
    const header = view.getUint16(next, true) | (view.getUint8(next + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === BlockType.Reserved) return undefined;
    last = (header & 1) === 1;
    next += BLOCK_HEADER_BYTES + (type === BlockType.Rle ? 1 : header >> 3);
  }
  if (checksum) next += CHECKSUM_BYTES;
  return next > view.byteLength ? undefined : next;
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Of a single segment, whose window is all of its content. */
function contentBytes(view: DataView, at: number, bytes: number): number {
  return littleEndian(view, at, bytes) + (bytes === 2 ? 256 : 0);
}

function littleEndian(view: DataView, at: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + view.getUint8(at + i);
  return value;
}
