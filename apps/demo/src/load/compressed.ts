// Bodies that are compressed: honest ones in every encoding that the gateway takes, and bombs of 50 MB in every format that its guard knows.
import {
  brotliCompressSync,
  constants,
  crc32,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';

/** A body as it is sent. */
export interface Packed {
  readonly body: Buffer;
  /** Undefined: not declared, so that only its first bytes tell. */
  readonly encoding: string | undefined;
}

const BOMB_BYTES = 50 << 20;
const MEMBERS = 50;
/** What compresses better than that would be taken for a bomb. */
const MAX_HONEST_RATIO = 50;

/** 50 MB of zeros as xz -6 makes them, packed once more: what runs on every platform of CI compresses no xz. */
const XZ_BOMB =
  'H4sIAAAAAAACA/trXhURxcDA8uzaFjcmBkVGAQYGhhUFfW3//wsy5sQyMOT//f9/8fb/7nYeokWWiYE7Jmk8W9zG/vPdE7mmy/pHrWwYvTfWnezq8tVfzHuzftnjHmXB4AeREkdLux6V/9g2pZ4n68C9Es+URy9jgjex3PjuwrM6njfX7eXTw2Ud26eFr9nm+zBTNv+3d4dAjtPpDvsYhv4LfuvVNKYUytv2qzwsmLdcOf6NxunWi1NndNVpTfykXvpd8gDbDN8Zf2+svzqB/4hq8I+vE80MWZdueJd/sMDXnefiRMFVaxNkd53bqC4RE9n2Mi0oYt/LsjWRT55Gs3L8PH5r7Z/fQdolZ+WiFZx+3g22/aGZwmndcFor5/5W6w9H9urFr+K3805zmiDM919g8o/Cisgf3Gf/T9Vw41/5p+be71kGemEH+ls/NzceSKWy1Xs81J9FzP8vwKjN8KY4ePnffetqDKXmb+81zBs5YUCa1YH89ptGA2w0wEYDbDTARgNsNMBGA2w0wEYDbDTARgNsNMBGA2w0wEYDbDTARgNsNMBGA2w0wEYDbDTARgNsNMBGA2w0wEYDjOQAaxAPZWBjeCXDCpob5uz8oV+pkL+NgXGNTUNDg+T/s/dmbTyS/puJgYGBgSUyCgBImRhUUB4AAA==';

type Packer = (bytes: Buffer) => Packed;

/** Taken in turn. A gzip of several members is one to every reader. */
const PACKERS: readonly Packer[] = [
  (bytes) => ({ body: gzipSync(bytes), encoding: 'gzip' }),
  (bytes) => ({ body: zstdWithSum(bytes), encoding: 'zstd' }),
  (bytes) => ({ body: inMembers(bytes), encoding: 'gzip' }),
  (bytes) => ({ body: brotliCompressSync(bytes), encoding: 'br' }),
  (bytes) => ({ body: deflateSync(bytes), encoding: 'deflate' }),
];

/** @returns undefined where it would be taken for a bomb */
export function packed(bytes: Buffer, turn: number): Packed | undefined {
  const pack = PACKERS[turn % PACKERS.length] as Packer;
  const result = pack(bytes);
  return bytes.length > MAX_HONEST_RATIO * result.body.length ? undefined : result;
}

/** What is no stream of its format: cut off, changed, or with something behind its end. */
export function broken(bytes: Buffer): Packed[] {
  const [gzip, zstd, deflate] = [gzipSync(bytes), zstdWithSum(bytes), deflateSync(bytes)];
  const changed = Buffer.from(zstd);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  return [
    { body: gzip.subarray(0, -5), encoding: 'gzip' },
    { body: changed, encoding: 'zstd' },
    { body: zstd.subarray(0, -5), encoding: 'zstd' },
    { body: Buffer.concat([deflate, Buffer.from('{"unseen":true}')]), encoding: 'deflate' },
  ];
}

/** Declared as another thing than it is. */
export function misdeclared(bytes: Buffer): Packed[] {
  return [
    { body: zstdWithSum(bytes), encoding: 'gzip' },
    { body: gzipSync(bytes), encoding: 'zstd' },
    { body: bytes, encoding: 'gzip' },
  ];
}

export type BombFormat = 'gzip' | 'zstd' | 'br' | 'deflate' | 'zip' | 'xz';

/** Each is small enough for a buffer of the gateway. */
export function bombs(): Readonly<Record<BombFormat, readonly Packed[]>> {
  const zeros = Buffer.alloc(BOMB_BYTES);
  const part = zeros.subarray(0, BOMB_BYTES / MEMBERS);
  const deflated = deflateSync(zeros, { level: 9 });
  return {
    gzip: [
      { body: gzipSync(zeros, { level: 9 }), encoding: 'gzip' },
      { body: times(gzipSync(part, { level: 9 }), MEMBERS), encoding: 'gzip' },
    ],
    zstd: [
      // One frame that asks for a window of 50 MB, and many that ask for 1 MB.
      { body: zstdCompressSync(zeros, { params: { [constants.ZSTD_c_windowLog]: 26 } }), encoding: 'zstd' },
      { body: times(zstdCompressSync(part), MEMBERS), encoding: 'zstd' },
    ],
    br: [{ body: brotliBomb(zeros), encoding: 'br' }],
    deflate: [{ body: deflated, encoding: 'deflate' }],
    zip: [{ body: zipOf(zeros), encoding: undefined }],
    xz: [{ body: gunzipSync(Buffer.from(XZ_BOMB, 'base64')), encoding: undefined }],
  };
}

function zstdWithSum(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

function brotliBomb(zeros: Buffer): Buffer {
  // The best quality takes seconds for 50 MB.
  return brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
}

function inMembers(bytes: Buffer): Buffer {
  const half = bytes.length >> 1;
  return Buffer.concat([gzipSync(bytes.subarray(0, half)), gzipSync(bytes.subarray(half))]);
}

function times(bytes: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

/** A zip of one entry without a name. */
function zipOf(bytes: Buffer): Buffer {
  const data = deflateRawSync(bytes, { level: 9 });
  // Version, flags, method 8, time and date, then sum, sizes, lengths of name and extra field.
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(bytes), 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(bytes.length, 18);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, data]);
  const record = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, Buffer.alloc(14)]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(record.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, record, end]);
}
