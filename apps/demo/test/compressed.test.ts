// Compressed bodies, from the check threads' guard to the books and the state words.
import type { Inspection } from '@corelane/atomic-state';
import { CompressionGuard } from '@corelane/atomic-state';
import { describe, expect, it } from 'vitest';
import { checkBody, type CheckedBody } from '../src/checks/check-body.ts';
import type { Encoding } from '../src/checks/encoding.ts';
import { decodeVerdict, encodeVerdict } from '../src/checks/verdict-code.ts';
import type { GuardFormatFigures } from '../src/gateway/guard-book.ts';
import { bombs, broken, misdeclared, packed, type Packed } from '../src/load/compressed.ts';
import { githubPayloads } from '../src/load/payloads.ts';
import { bombsOf } from '../src/report/guard-equations.ts';
import { Fixture, type Answered } from './gateway-fixture.ts';

const CAPS = { maxBytes: 1 << 20, maxRatio: 100, maxMs: 5000 };
const BODY = Buffer.from(
  JSON.stringify({ repository: { full_name: 'a/b' }, list: Array.from({ length: 400 }, (_, i) => i) }),
);

function check(bytes: Uint8Array, encoding?: string): Promise<CheckedBody> {
  return checkBody(bytes, encoding as Encoding | undefined, new CompressionGuard(CAPS), 64);
}

function send(f: Fixture, { body, encoding }: Packed): Promise<Answered> {
  return f.send({ body, headers: encoding === undefined ? {} : { 'content-encoding': encoding } });
}

describe('the check of a body', () => {
  it('reads every real payload through every packing, to the same verdict', async () => {
    for (const [i, { body }] of githubPayloads().slice(0, 40).entries()) {
      const plain = await check(body);
      expect(plain.inspection).toBeUndefined();
      const small = packed(body, i) as Packed;
      const { verdict, inspection } = await check(small.body, small.encoding);
      expect(inspection).toMatchObject({ outcome: 'passed', bytesOut: body.length });
      expect(verdict).toEqual({ ...plain.verdict, ratio: (inspection as Inspection).ratio });
    }
  });

  it('finds every bomb of the load, declared or not', async () => {
    for (const [format, list] of Object.entries(bombs()))
      for (const { body, encoding } of list) {
        // One of them must fit into a buffer of the gateway, or it would be refused for its size.
        expect(body.length).toBeLessThanOrEqual(65_536);
        const { verdict, inspection } = await check(body, encoding);
        expect({ format, fault: verdict.fault, by: inspection?.format }).toEqual({
          format,
          fault: 'bomb',
          by: format,
        });
        expect(verdict.ratio).toBe(inspection?.ratio);
        // Without the header its first bytes tell, where they can.
        if (format === 'gzip' || format === 'zstd') expect((await check(body)).verdict.fault).toBe('bomb');
      }
  });

  it('lets nothing through that is broken, is declared as something else, or is compressed and not declared', async () => {
    for (const { body, encoding } of broken(BODY)) {
      const { verdict, inspection } = await check(body, encoding);
      expect([verdict.fault, inspection?.outcome]).toEqual(['malformed', 'corrupt']);
    }
    for (const { body, encoding } of misdeclared(BODY)) {
      const { verdict, inspection } = await check(body, encoding);
      expect([verdict.fault, inspection?.outcome]).toEqual(['malformed', 'mismatched encoding']);
    }
    const { verdict } = await check((packed(BODY, 0) as Packed).body);
    expect(verdict).toMatchObject({ fault: 'malformed', repository: undefined });
    expect(verdict.ratio).toBeGreaterThan(1);
  });
});

describe('a verdict', () => {
  it('comes back as it was sent, its ratio rounded up to what a state word holds', () => {
    for (const fault of [undefined, 'malformed', 'tooDeep', 'badName', 'bomb', 'unknownEncoding'] as const)
      for (const [ratio, shown] of [
        [undefined, undefined],
        [0, 0],
        [0.4, 1],
        [11.8, 12],
        [1032, 255],
      ] as const) {
        expect(decodeVerdict(encodeVerdict({ fault, repository: undefined, ratio }))).toEqual({
          fault,
          repository: undefined,
          ratio: shown,
        });
      }
    const repository = 'octo-org/a.repository_2';
    expect(decodeVerdict(encodeVerdict({ fault: undefined, repository, ratio: 3.2 }))).toEqual({
      fault: undefined,
      repository,
      ratio: 4,
    });
  });
});

describe('a gateway that is sent compressed bodies', () => {
  it('refuses the bombs, counts all of them by format and outcome, and writes their ratios into the words', async () => {
    const f = await Fixture.start({ inflate: { maxMs: 5000 } });
    const good = [0, 1, 2, 3, 4].map((turn) => packed(BODY, turn) as Packed);
    for (const each of good) expect((await send(f, each)).status).toBe(202);
    const list = Object.values(bombs()).flat();
    for (const each of list) expect((await send(f, each)).reason).toBe('bomb');
    for (const each of [...broken(BODY), ...misdeclared(BODY)])
      expect((await send(f, each)).reason).toBe('malformed');
    expect((await f.send()).status).toBe(202);
    const guard: Record<string, GuardFormatFigures> = f.gateway.books().guard();
    const of = (format: string): GuardFormatFigures => guard[format] as GuardFormatFigures;
    expect(Object.keys(guard)).toEqual(['br', 'deflate', 'gzip', 'none', 'xz', 'zip', 'zstd']);
    expect(of('none').outcomes.plain).toBe(1);
    expect(of('gzip').outcomes).toMatchObject({ passed: 2, 'too many bytes': 2, corrupt: 1 });
    expect(of('zstd').outcomes).toMatchObject({
      passed: 1,
      'ratio too high': 1,
      'window too large': 1,
      corrupt: 2,
    });
    for (const format of ['br', 'deflate', 'zip', 'xz']) expect(bombsOf(of(format))).toBe(1);
    expect(of('gzip').bytesIn).toBeGreaterThan(100_000);
    expect(of('gzip').bytesOut).toBeGreaterThan(2 << 20);
    expect(of('br').largestRatio).toBeGreaterThan(100);
    expect(f.gateway.machine.metrics()).toMatchObject({
      compressionDetected: good.length + list.length,
      bombsRefused: list.length,
    });
    expect(of('none').largestRatio).toBe(0);
    const { text } = await f.request('GET', '/metrics');
    expect(text).toContain('gateway_guard_inspections_total{format="zip",outcome="too many bytes"} 1');
    expect(text).toMatch(/gateway_guard_largest_ratio\{format="br"\} \d{3}/);
    expect(text).toMatch(/gateway_guard_bytes_total\{format="gzip",direction="out"\} \d{7}/);
  });
});
