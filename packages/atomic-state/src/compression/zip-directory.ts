// The entries of a zip, with everything in their places checked before a byte is inflated: what the central directory says must be what
// the local headers say, and entries and directory must cover the file from its first byte to its last, once. What lies between them
// is seen by readers that go through the file from its start and not by those that use the directory, and the other way around.
//
// The directory is read by yauzl. Beside it stood fflate, which reads local headers alone, checks no sums and inflates in JavaScript.
import type { Entry, LocalFileHeader, ZipFile } from 'yauzl';
import type { Tally } from './tally.ts';

export interface ZipEntry {
  readonly index: number;
  readonly stored: boolean;
  /** Of its data. */
  readonly from: number;
  readonly to: number;
  readonly crc32: number;
  readonly bytes: number;
}

interface Extent {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

const Method = { Stored: 0, Deflate: 8 } as const;
const Flag = { Encrypted: 1, Descriptor: 8, StrongEncryption: 0x40 } as const;
const DESCRIPTOR_SIGNATURE = 0x08074b50;
const RECORD_SIGNATURE = 0x02014b50;
const RECORD_BYTES = 46;
const END_SIGNATURE = Buffer.from([0x50, 0x4b, 5, 6]);
const END_BYTES = 22;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const IN_ZIP64_FIELD = 0xffffffff;

/** What yauzl finds in a file that is whole and that it cannot read. */
const BEYOND_YAUZL = /encryption|multi-disk/;

/** @returns undefined where the tally is over */
export async function zipEntries(input: Uint8Array, tally: Tally): Promise<ZipEntry[] | undefined> {
  const unavailable = await zipUnavailable();
  if (unavailable !== undefined) {
    tally.refuse('unsupported', unavailable);
    return undefined;
  }
  const { default: yauzl } = await import('yauzl');
  const file = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const entries: ZipEntry[] = [];
  const extents: Extent[] = [];
  let zip: ZipFile;
  try {
    // Names stay bytes: decoded they could no longer be compared, and nothing is written to a disk by them here.
    zip = await yauzl.fromBufferPromise(file, { decodeStrings: false });
    for await (const entry of zip.eachEntry()) {
      if (!tally.member()) return undefined;
      const unsupported = whyUnsupported(entry);
      if (unsupported !== undefined) {
        tally.refuse('unsupported', `entry ${entries.length}: ${unsupported}`);
        return undefined;
      }
      const local = await zip.readLocalFileHeaderPromise(entry);
      const to = local.fileDataStart + entry.compressedSize;
      const end = disagreement(entry, local) ? undefined : endOf(file, entry, to);
      if (end === undefined) {
        tally.refuse('corrupt', `entry ${entries.length}: its local header and the directory disagree`);
        return undefined;
      }
      const index = entries.length;
      extents.push({ index, from: entry.relativeOffsetOfLocalHeader, to: end });
      entries.push({
        index,
        stored: entry.compressionMethod === Method.Stored,
        from: local.fileDataStart,
        to,
        crc32: entry.crc32,
        bytes: entry.uncompressedSize,
      });
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    tally.refuse(BEYOND_YAUZL.test(message) ? 'unsupported' : 'corrupt', message);
    return undefined;
  }
  checkCover(file, extents, tally);
  return tally.isOver ? undefined : entries;
}

/** Why it cannot be read here, or undefined. */
export async function zipUnavailable(): Promise<string | undefined> {
  try {
    await import('yauzl');
    return undefined;
  } catch (error) {
    return `zip: the library yauzl does not load (${String(error)})`;
  }
}

function whyUnsupported(entry: Entry): string | undefined {
  if ((entry.generalPurposeBitFlag & (Flag.Encrypted | Flag.StrongEncryption)) !== 0) return 'is encrypted';
  const { compressionMethod: method } = entry;
  return method === Method.Stored || method === Method.Deflate ? undefined : `has method ${method}`;
}

/** A local header may leave sums and sizes to the descriptor behind the data, or to its field of zip64. */
function disagreement(entry: Entry, local: LocalFileHeader): boolean {
  const later = (entry.generalPurposeBitFlag & Flag.Descriptor) !== 0;
  const differs = (here: number, there: number): boolean =>
    here !== there && !(later && here === 0) && here !== IN_ZIP64_FIELD;
  return (
    local.generalPurposeBitFlag !== entry.generalPurposeBitFlag ||
    local.compressionMethod !== entry.compressionMethod ||
    (local.crc32 !== entry.crc32 && !(later && local.crc32 === 0)) ||
    differs(local.compressedSize, entry.compressedSize) ||
    differs(local.uncompressedSize, entry.uncompressedSize) ||
    !local.fileName.equals(entry.fileNameRaw)
  );
}

/** Index behind an entry, with its descriptor; undefined where that does not say what the directory says. */
function endOf(file: Buffer, entry: Entry, to: number): number | undefined {
  if ((entry.generalPurposeBitFlag & Flag.Descriptor) === 0) return to;
  for (const signature of [4, 0])
    for (const sizeBytes of [4, 8]) {
      const end = to + signature + 4 + 2 * sizeBytes;
      if (end > file.length) continue;
      if (signature > 0 && file.readUInt32LE(to) !== DESCRIPTOR_SIGNATURE) continue;
      const crcAt = to + signature;
      const size = (at: number): number =>
        sizeBytes === 4 ? file.readUInt32LE(at) : Number(file.readBigUInt64LE(at));
      if (
        file.readUInt32LE(crcAt) === entry.crc32 &&
        size(crcAt + 4) === entry.compressedSize &&
        size(crcAt + 4 + sizeBytes) === entry.uncompressedSize
      )
        return end;
    }
  return undefined;
}

/** Entries from the first byte to the directory, the directory from there to its end record: every byte belongs to one of them. */
function checkCover(file: Buffer, extents: readonly Extent[], tally: Tally): void {
  let at = 0;
  for (const { index, from, to } of extents.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < at)
      tally.refuse(
        'overlapping entries',
        `entry ${index} begins ${at - from} bytes before the end of another`,
      );
    else if (from > at) tally.refuse('corrupt', `${from - at} bytes at byte ${at} belong to no entry`);
    if (tally.isOver) return;
    at = to;
  }
  if (!isDirectory(file, at, extents.length))
    tally.refuse(
      'corrupt',
      `the directory is not what lies between the last entry, at byte ${at}, and the end`,
    );
}

/** Walks the directory's records by their lengths: `count` of them and an end record, that of zip64 included, and nothing else. */
function isDirectory(file: Buffer, from: number, count: number): boolean {
  let at = from;
  for (let i = 0; i < count; i++) {
    if (at + RECORD_BYTES > file.length || file.readUInt32LE(at) !== RECORD_SIGNATURE) return false;
    at += RECORD_BYTES + file.readUInt16LE(at + 28) + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  const zip64 = hasZip64End(file, at);
  // The size and place of the directory are in the end record of zip64 where there is one, and may be in both.
  if (zip64 && Number(file.readBigUInt64LE(at + 48)) !== from) return false;
  if (zip64) at += ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES;
  // A second end record in the comment would be another directory to whoever looks for it from the other side.
  if (at + END_BYTES > file.length || file.lastIndexOf(END_SIGNATURE) !== at) return false;
  const place = file.readUInt32LE(at + 16);
  return place === from || (zip64 && place === IN_ZIP64_FIELD);
}

function hasZip64End(file: Buffer, at: number): boolean {
  const locator = at + ZIP64_END_BYTES;
  return (
    locator + ZIP64_LOCATOR_BYTES <= file.length &&
    file.readUInt32LE(at) === ZIP64_END_SIGNATURE &&
    file.readUInt32LE(locator) === ZIP64_LOCATOR_SIGNATURE &&
    Number(file.readBigUInt64LE(locator + 8)) === at
  );
}
