import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflateGuarded, type InflateCaps } from '../src/checks/inflate-guard.ts';
import { githubPayloads } from '../src/load/payloads.ts';

const CAPS: InflateCaps = { maxBytes: 1 << 20, maxRatio: 100, maxMs: 5000 };
const MIB = 1 << 20;

async function inflate(
  input: Uint8Array,
  encoding: 'gzip' | 'deflate' | 'br' = 'gzip',
  caps: Partial<InflateCaps> = {},
) {
  const pieces: Buffer[] = [];
  const result = await inflateGuarded(input, encoding, { ...CAPS, ...caps }, (piece) => {
    pieces.push(Buffer.from(piece));
  });
  return { ...result, bytes: Buffer.concat(pieces) };
}

describe('inflateGuarded', () => {
  it('gives back every real payload, in each encoding', async () => {
    for (const { body } of githubPayloads().slice(0, 40)) {
      expect((await inflate(gzipSync(body))).bytes.equals(body)).toBe(true);
      expect((await inflate(deflateSync(body), 'deflate')).bytes.equals(body)).toBe(true);
      expect((await inflate(brotliCompressSync(body), 'br')).bytes.equals(body)).toBe(true);
    }
  });

  it('stops a bomb at the ratio long before it is inflated', async () => {
    const { outcome, bytesOut } = await inflate(gzipSync(Buffer.alloc(50 * MIB)), 'gzip', {
      maxBytes: 1 << 30,
    });
    expect(outcome).toBe('ratio too high');
    expect(bytesOut).toBeLessThan(6 * MIB);
  });

  it('stops at the byte cap where the ratio is innocent', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24));
    const { outcome, bytesOut } = await inflate(gzipSync(noise), 'gzip', { maxBytes: 100_000 });
    expect(outcome).toBe('too many bytes');
    expect(bytesOut).toBeLessThan(100_000 + 16_384 + 1);
  });

  it('ends at its time cap', async () => {
    const { outcome } = await inflate(gzipSync(Buffer.alloc(MIB / 2)), 'gzip', { maxRatio: 2000, maxMs: -1 });
    expect(outcome).toBe('too slow');
  });

  it('does not take what follows the end of a stream, which nobody has looked at', async () => {
    const json = Buffer.from('{"a":1}');
    for (const [encoding, whole] of [
      ['gzip', gzipSync(json)],
      ['deflate', deflateSync(json)],
      ['br', brotliCompressSync(json)],
    ] as const)
      for (const bytes of [1, 20_000])
        expect((await inflate(Buffer.concat([whole, Buffer.alloc(bytes)]), encoding)).outcome).toBe(
          'corrupt',
        );
  });

  it('tells a broken stream from a whole one', async () => {
    const whole = gzipSync(githubPayloads()[0]?.body ?? '');
    const flipped = Buffer.from(whole);
    flipped[30] = (flipped[30] ?? 0) ^ 0xff;
    for (const broken of [whole.subarray(0, -5), flipped, Buffer.from('not gzip'), Buffer.alloc(0)])
      expect((await inflate(broken)).outcome).toBe('corrupt');
    expect((await inflate(whole)).outcome).toBe('ended');
  });
});
