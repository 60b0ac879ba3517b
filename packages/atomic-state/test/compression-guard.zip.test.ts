// What a zip can hide behind its directory.
import { describe, expect, it } from 'vitest';
import { CompressionGuard, type CompressionGuardOptions, type Inspection } from '../src/index.ts';
import { overlappingZip, zip } from './payloads.ts';

const TEXT = Buffer.from('a text of a file, a text of a file, a text of a file');

function inspect(bytes: Uint8Array, options: CompressionGuardOptions = {}): Promise<Inspection> {
  return new CompressionGuard({ maxMs: 20_000, ...options }).inspect(bytes);
}

describe('a zip', () => {
  it('passes with entries stored and deflated, with descriptors, a comment, or nothing in it', async () => {
    const files = [
      { data: TEXT },
      { data: TEXT, method: 0 },
      { data: TEXT, descriptor: 'signed' as const },
      { data: TEXT, descriptor: 'bare' as const },
      { data: Buffer.alloc(0), method: 0, name: 'folder/' },
    ];
    expect(await inspect(zip(files, { comment: Buffer.from('by hand') }))).toMatchObject({
      outcome: 'passed',
      members: 5,
      bytesOut: 4 * TEXT.length,
    });
    expect(await inspect(zip([]))).toMatchObject({
      outcome: 'passed',
      format: 'zip',
      members: 0,
      bytesOut: 0,
    });
  });

  it('of entries that share one kernel is refused before a byte is inflated', async () => {
    const bomb = overlappingZip(50, 1 << 20);
    // It is a sound one: without the rule each entry would inflate to its megabyte.
    expect(bomb.length).toBeLessThan(10_000);
    expect(await inspect(bomb)).toMatchObject({ outcome: 'overlapping entries', bytesOut: 0 });
    expect((await inspect(zip([{ data: TEXT }], { repeatFirst: 3 }))).outcome).toBe('overlapping entries');
    expect((await inspect(overlappingZip(1, 1000))).outcome).toBe('passed');
  });

  it('that is encrypted, or has a method that is not known, is refused as such', async () => {
    expect(await inspect(zip([{ data: TEXT, flags: 1, method: 0 }]))).toMatchObject({ outcome: 'corrupt' });
    expect(await inspect(zip([{ data: TEXT, flags: 1 }]))).toMatchObject({
      outcome: 'unsupported',
      reason: 'entry 0: is encrypted',
    });
    expect((await inspect(zip([{ data: TEXT, flags: 0x40 }]))).outcome).toBe('unsupported');
    for (const method of [1, 9, 12, 14, 93, 95, 99])
      expect(await inspect(zip([{ data: TEXT }, { data: TEXT, method }]))).toMatchObject({
        outcome: 'unsupported',
        reason: `entry 1: has method ${method}`,
      });
  });

  it('whose local headers say another thing than its directory is corrupt', async () => {
    for (const local of [{ method: 0 }, { name: 'other' }, { bytes: 5 }])
      expect((await inspect(zip([{ data: TEXT, local }]))).outcome).toBe('corrupt');
  });

  it('with bytes that no entry has is corrupt: before, between and behind', async () => {
    const one = zip([{ data: TEXT }]);
    expect((await inspect(zip([{ data: TEXT }], { gap: one }))).outcome).toBe('corrupt');
    expect((await inspect(zip([{ data: TEXT }], { gap: Buffer.alloc(1) }))).outcome).toBe('corrupt');
    expect(await inspect(zip([{ data: TEXT }, { data: TEXT, before: one }]))).toMatchObject({
      outcome: 'corrupt',
      reason: expect.stringContaining('belong to no entry') as string,
    });
    expect((await inspect(Buffer.concat([one, one]))).outcome).toBe('corrupt');
    expect((await inspect(Buffer.concat([one.subarray(0, 4), one]))).outcome).toBe('corrupt');
  });

  it('with a second directory in its comment is corrupt: who looks from its start finds another one', async () => {
    const hidden = zip([{ data: Buffer.alloc(1000) }]);
    expect((await inspect(zip([{ data: TEXT }], { comment: hidden }))).outcome).toBe('corrupt');
  });

  it('that lies about sizes or sums is corrupt', async () => {
    for (const claims of [{ bytes: TEXT.length + 1 }, { bytes: 1 }, { crc: 1 }, { packed: 3 }])
      expect((await inspect(zip([{ data: TEXT, claims }]))).outcome).toBe('corrupt');
    expect((await inspect(zip([{ data: TEXT, method: 0, claims: { crc: 1 } }]))).outcome).toBe('corrupt');
  });

  it('counts all its entries: each below the cap, their sum above it', async () => {
    const files = Array.from({ length: 20 }, () => ({ data: Buffer.alloc(50_000) }));
    expect((await inspect(zip(files))).outcome).toBe('ratio too high');
    expect((await inspect(zip(files), { maxRatio: Infinity, maxBytes: 900_000 })).outcome).toBe(
      'too many bytes',
    );
    expect((await inspect(zip(files), { maxRatio: Infinity })).outcome).toBe('passed');
    const stored = Array.from({ length: 20 }, () => ({ data: Buffer.alloc(50_000), method: 0 }));
    expect(await inspect(zip(stored))).toMatchObject({ outcome: 'passed', bytesOut: 1_000_000 });
    expect((await inspect(zip(stored), { maxBytes: 900_000 })).outcome).toBe('too many bytes');
  });
});
