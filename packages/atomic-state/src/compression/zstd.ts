// zstd by node:zlib, frame by frame.
import * as zlib from 'node:zlib';
import { inflate, PIECE_BYTES } from './inflate.ts';
import type { Tally } from './tally.ts';
import { zstdFrameAt } from './zstd-frames.ts';

/** Why it cannot be read here, or undefined. */
export function zstdUnavailable(): string | undefined {
  // Namespace import: a name that is not there would end the program where it is linked.
  return typeof zlib.createZstdDecompress === 'function'
    ? undefined
    : `zstd: node:zlib of Node ${process.versions.node} has none, expected 22.15, 23.8 or later`;
}

export async function readZstd(input: Uint8Array, tally: Tally): Promise<void> {
  const unavailable = zstdUnavailable();
  if (unavailable !== undefined) {
    tally.refuse('unsupported', unavailable);
    return;
  }
  const { maxWindowBytes } = tally.limits;
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  tally.beginOutput();
  let at = 0;
  do {
    if (!tally.member()) return;
    const frame = await zstdFrameAt(view, at, () => tally.inTime());
    // An abort in between, too.
    if (tally.isOver) return;
    if (frame === undefined) tally.refuse('corrupt', `no whole zstd frame at byte ${at} of ${input.length}`);
    else if (frame.needsDictionary) tally.refuse('unsupported', `frame ${tally.members} needs a dictionary`);
    else if (frame.windowBytes > maxWindowBytes)
      tally.refuse(
        'window too large',
        `frame ${tally.members} asks for a window of ${frame.windowBytes} bytes, expected at most ${maxWindowBytes}`,
      );
    if (frame === undefined || tally.isOver) return;
    if (!frame.skippable) {
      const bytes = input.subarray(at, frame.end);
      const taken = await inflate(decoder(maxWindowBytes), bytes, tally);
      if (taken !== bytes.length)
        tally.refuse('corrupt', `frame ${tally.members} ends after ${taken} of ${bytes.length} bytes`);
    }
    at = frame.end;
  } while (at < input.length && !tally.isOver);
  if (!tally.isOver) tally.endOutput();
}

/** The decoder has the limit, too: what was read from the header is not taken on trust. */
function decoder(maxWindowBytes: number): zlib.ZstdDecompress {
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: Math.ceil(Math.log2(maxWindowBytes)) };
  return zlib.createZstdDecompress({ chunkSize: PIECE_BYTES, params });
}
