// Inspecting a compressed payload against inflating it without looking.
import { createGunzip, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CompressionGuard, formatOf, type CompressionGuardOptions } from '@corelane/atomic-state';
import { type BatchCase, type BatchGroup, type BatchResult, type Role } from '../../suite.ts';

const MIB = 1 << 20;
const BOMB_BYTES = 50 * MIB;
/** No cap ends these: what is measured is the way to the end. */
const WIDE: CompressionGuardOptions = { maxRatio: Infinity, maxBytes: 2 * BOMB_BYTES, maxMs: 60_000 };

/** JSON as services send it: compresses about 8:1. */
function jsonOf(bytes: number): Buffer {
  const lines: string[] = [];
  for (let length = 0, i = 0; length < bytes; i++) {
    const line = `{"id":${i * 7919},"name":"event-${i % 97}","url":"https://example.com/events/${i}","active":${i % 3 === 0}},\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}

interface Work {
  readonly name: string;
  readonly role: Role;
  readonly note?: string;
  /** Of what comes out of one payload; 0 where that says nothing. */
  readonly bytes: number;
  /** Made for each run of a case, and let go after it. @returns does one operation; true where it went right */
  readonly make: () => () => boolean | Promise<boolean>;
}

function caseOf({ name, role, note, bytes, make }: Work): BatchCase {
  let work: (() => boolean | Promise<boolean>) | undefined;
  return {
    name,
    role,
    ...(note !== undefined && { note }),
    setup: () => {
      work = make();
    },
    async batch(operations: number): Promise<BatchResult> {
      let successful = 0;
      const startMs = performance.now();
      for (let operation = 0; operation < operations; operation++) if (await work?.()) successful++;
      const elapsedMs = performance.now() - startMs;
      const rate = (bytes * operations) / 1e3 / elapsedMs;
      return bytes === 0
        ? { successful }
        : { successful, metrics: { throughput: { value: rate, unit: 'MB/s' } } };
    },
    check: () => undefined,
    teardown: () => {
      work = undefined;
    },
  };
}

/** An inspection that is to end in `outcome`. */
function inspection(options: CompressionGuardOptions, packed: () => Buffer, outcome: string): Work['make'] {
  return () => {
    const guard = new CompressionGuard(options);
    const bytes = packed();
    return async () => (await guard.inspect(bytes)).outcome === outcome;
  };
}

/** node:zlib's stream, with a listener that counts what comes out of it. */
function streamed(packed: () => Buffer, expected: number): Work['make'] {
  return () => {
    const bytes = packed();
    return () =>
      new Promise((resolve, reject) => {
        let length = 0;
        const stream = createGunzip({ chunkSize: 65_536 });
        stream.on('data', (piece: Buffer) => (length += piece.length));
        stream.once('end', () => resolve(length === expected));
        stream.once('error', reject);
        stream.end(bytes);
      });
  };
}

function called(packed: () => Buffer, inflate: (bytes: Buffer) => Buffer, expected: number): Work['make'] {
  return () => {
    const bytes = packed();
    return () => inflate(bytes).length === expected;
  };
}

const gzipOf = (bytes: number) => (): Buffer => gzipSync(jsonOf(bytes));
const bomb = (): Buffer => gzipSync(Buffer.alloc(BOMB_BYTES), { level: 9 });

export const guard: BatchGroup = {
  kind: 'batch',
  name: 'guard',
  title: 'Inspecting a payload of 1 MiB of JSON',
  note: 'One operation is one payload. The functions that end in Sync hold this thread and all of the output; the guard holds neither.',
  cases: [
    {
      name: 'guard.inspect, gzip',
      role: 'ours',
      bytes: MIB,
      make: inspection(WIDE, gzipOf(MIB), 'passed'),
    } as const,
    { name: 'createGunzip', role: 'peer', bytes: MIB, make: streamed(gzipOf(MIB), MIB) } as const,
    { name: 'gunzipSync', role: 'limit', bytes: MIB, make: called(gzipOf(MIB), gunzipSync, MIB) } as const,
    {
      name: 'guard.inspect, zstd',
      role: 'ours',
      bytes: MIB,
      make: inspection(WIDE, () => zstdCompressSync(jsonOf(MIB)), 'passed'),
    } as const,
    {
      name: 'zstdDecompressSync',
      role: 'limit',
      bytes: MIB,
      make: called(
        () => zstdCompressSync(jsonOf(MIB)),
        (bytes) => zstdDecompressSync(bytes),
        MIB,
      ),
    } as const,
  ].map((work) => caseOf(work)),
  claims: [{ of: 'guard.inspect, gzip', against: 'createGunzip', atMost: 1.5 }],
};

const SMALL = 2048;

export const guardSmall: BatchGroup = {
  kind: 'batch',
  name: 'guard-small',
  title: 'Inspecting a payload of 2 KiB of JSON',
  note: 'Where the guard loses: a stream, a timer and a way to the thread pool and back cost more than inflating so little.',
  cases: [
    {
      name: 'guard.inspect',
      role: 'ours',
      bytes: SMALL,
      make: inspection(WIDE, gzipOf(SMALL), 'passed'),
    } as const,
    { name: 'createGunzip', role: 'peer', bytes: SMALL, make: streamed(gzipOf(SMALL), SMALL) } as const,
    {
      name: 'gunzipSync',
      role: 'limit',
      bytes: SMALL,
      make: called(gzipOf(SMALL), gunzipSync, SMALL),
    } as const,
    {
      name: 'guard.inspect, not compressed',
      role: 'ours',
      bytes: 0,
      make: inspection(WIDE, () => jsonOf(SMALL), 'plain'),
    } as const,
  ].map((work) => caseOf(work)),
};

export const guardBomb: BatchGroup = {
  kind: 'batch',
  name: 'guard-bomb',
  title: 'Refusing a gzip of 50 MiB of zeros (51 KB)',
  note: 'One operation is one bomb. maxOutputLength is 1 MiB, and maxBytes of the guard, too: its ratio of 10:1 ends it before.',
  cases: [
    {
      name: 'guard.inspect',
      role: 'ours',
      bytes: 0,
      make: inspection({ maxBytes: MIB }, bomb, 'ratio too high'),
    } as const,
    {
      name: 'guard.inspect, size alone',
      role: 'ours',
      bytes: 0,
      make: inspection({ maxBytes: MIB, maxRatio: Infinity }, bomb, 'too many bytes'),
    } as const,
    {
      name: 'gunzipSync, maxOutputLength',
      role: 'peer',
      note: 'A cap on bytes alone, all of which are held; an error with its stack.',
      bytes: 0,
      make: () => {
        const bytes = bomb();
        return () => {
          try {
            gunzipSync(bytes, { maxOutputLength: MIB });
            return false;
          } catch (error) {
            return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
          }
        };
      },
    } as const,
    {
      name: 'gunzipSync, no cap',
      role: 'peer',
      bytes: 0,
      make: called(bomb, gunzipSync, BOMB_BYTES),
    } as const,
  ].map((work) => caseOf(work)),
  claims: [{ of: 'gunzipSync, no cap', against: 'guard.inspect', atLeast: 10 }],
};

/** Cheap enough to be asked of every payload. */
export const formats: BatchGroup = {
  kind: 'batch',
  name: 'guard-format',
  title: 'formatOf: is this compressed?',
  cases: [
    formatCase('formatOf, JSON', () => jsonOf(SMALL), undefined),
    formatCase('formatOf, gzip', gzipOf(SMALL), 'gzip'),
    {
      name: 'empty loop',
      role: 'empty',
      batch: (operations) => emptyLoop(operations),
      check: () => undefined,
    },
  ],
};

function formatCase(name: string, make: () => Buffer, expected: ReturnType<typeof formatOf>): BatchCase {
  let bytes: Buffer = Buffer.alloc(0);
  return {
    name,
    role: 'ours',
    allocation: true,
    setup: () => {
      bytes = make();
    },
    batch(operations) {
      let right = 0;
      for (let operation = 0; operation < operations; operation++) if (formatOf(bytes) === expected) right++;
      return right;
    },
    check: () => undefined,
  };
}

function emptyLoop(operations: number): number {
  let done = 0;
  for (let operation = 0; operation < operations; operation++) done++;
  return done;
}
