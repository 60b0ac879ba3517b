// Waiting, being aborted, and what is left behind.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as zlib from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import xz from 'xz-decompress';
import { inflate } from '../src/compression/inflate.ts';
import { Tally } from '../src/compression/tally.ts';
import { Turnstile } from '../src/compression/turnstile.ts';
import { CompressionGuard, formatOf, type Encoding } from '../src/index.ts';
import { bombs, fixture, gzip } from './payloads.ts';

// Of 50 MB on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const made = bombs();
const ALL = Object.keys(made) as (keyof typeof made)[];
const WIDE = { maxRatio: Infinity, maxBytes: 1 << 30, maxMs: 60_000, maxWindowBytes: 1 << 20 } as const;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function zlibHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ZLIB').length;
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => void setImmediate(resolve));
}

describe('an abort', () => {
  it.each(ALL)(
    'in the middle of a payload rejects with its reason, and no piece is shown after it: %s',
    async (format) => {
      const guard = new CompressionGuard(WIDE);
      const before = zlibHandles();
      const [set, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')];
      const controller = new AbortController();
      const reason = new Error('the sender has gone');
      let pieces = 0;
      const visit = (): void => {
        pieces++;
        if (pieces === 5) controller.abort(reason);
      };
      await expect(
        guard.inspect(made[format], { encoding: format, signal: controller.signal, visit }),
      ).rejects.toBe(reason);
      await settled();
      expect(pieces).toBe(5);
      expect(guard.metrics()).toMatchObject({ inspected: 0, rejected: 1, running: 0, waiting: 0 });
      expect(zlibHandles()).toBe(before);
      // The one timer of the inspection; those of vitest are its own business.
      const timers = set.mock.results.map(({ value }) => value as unknown);
      const ended = cleared.mock.calls.map(([timer]) => timer as unknown);
      expect(timers.filter((timer) => ended.includes(timer)).length).toBeGreaterThanOrEqual(1);
      vi.restoreAllMocks();
      // And the next one goes through, the decoders that a thread has one of included.
      expect((await guard.inspect(fixture('json.xz'))).outcome).toBe('passed');
    },
  );

  it.each(ALL)('from outside gets through while pieces come: %s', async (format) => {
    const guard = new CompressionGuard(WIDE);
    const controller = new AbortController();
    let shown: (() => void) | undefined;
    const first = new Promise<void>((resolve) => (shown = resolve));
    const ended = guard.inspect(made[format], {
      encoding: format,
      signal: controller.signal,
      visit: () => shown?.(),
    });
    void first.then(() => setImmediate(() => controller.abort('gone')));
    await expect(ended).rejects.toBe('gone');
  });

  it('before the start, or while waiting, leaves no trace', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 1 });
    await expect(guard.inspect(made.gzip, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    const running = guard.inspect(made.gzip);
    const controller = new AbortController();
    const waiting = guard.inspect(made.gzip, { signal: controller.signal });
    expect(guard.metrics()).toMatchObject({ running: 1, waiting: 1 });
    controller.abort('gone');
    await expect(waiting).rejects.toBe('gone');
    expect(guard.metrics()).toMatchObject({ running: 1, waiting: 0 });
    expect((await running).outcome).toBe('passed');
    expect(guard.metrics()).toMatchObject({ running: 0, waiting: 0, rejected: 2 });
  });

  it('while waiting leaves its place to others, also where somebody leaves in the same turn', async () => {
    const turnstile = new Turnstile(1, 8);
    await turnstile.enter(1000, undefined);
    const controller = new AbortController();
    const waiting = turnstile.enter(1000, controller.signal);
    controller.abort('gone');
    turnstile.leave();
    await expect(waiting).rejects.toBe('gone');
    expect([turnstile.inside, turnstile.waiting]).toEqual([0, 0]);
    expect(await turnstile.enter(1000, undefined)).toBe('in');
  });

  it('takes its listener off a signal that lives on', async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const guard = new CompressionGuard({ maxConcurrent: 1 });
    await Promise.all([1, 2, 3].map(() => guard.inspect(gzip(Buffer.from('text')), { signal })));
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('a visitor that throws', () => {
  it.each(ALL)('ends the inspection, which rejects with what it threw: %s', async (format) => {
    const guard = new CompressionGuard(WIDE);
    const fault = new Error('visitor');
    let calls = 0;
    const visit = (): void => {
      calls++;
      throw fault;
    };
    await expect(guard.inspect(made[format], { encoding: format, visit })).rejects.toBe(fault);
    await settled();
    expect(calls).toBe(1);
    expect(guard.metrics().running).toBe(0);
  });
});

describe('inspections at a time', () => {
  it('are so many and no more; others wait in line, and beyond the line they are refused as busy', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 2, maxWaiting: 3 });
    const order: number[] = [];
    const all = Array.from({ length: 7 }, async (_, index) => {
      const { outcome } = await guard.inspect(made.gzip);
      order.push(index);
      return outcome;
    });
    expect(guard.metrics()).toMatchObject({ running: 2, waiting: 3 });
    const outcomes = await Promise.all(all);
    expect(outcomes).toEqual(['passed', 'passed', 'passed', 'passed', 'passed', 'busy', 'busy']);
    expect(order.slice(0, 2)).toEqual([5, 6]);
    expect(guard.metrics()).toMatchObject({ running: 0, waiting: 0, refused: 2 });
    expect(guard.metrics().outcomes).toMatchObject({ passed: 5, busy: 2 });
  });

  it('do not keep a plain payload waiting', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 1, maxWaiting: 0 });
    const running = guard.inspect(made.gzip);
    expect((await guard.inspect(Buffer.from('{}'))).outcome).toBe('plain');
    expect((await guard.inspect(made.gzip)).outcome).toBe('busy');
    await running;
  });

  it('are busy, not slow, where their turn does not come in time', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 1, maxMs: 30 });
    const both = await Promise.all([guard.inspect(made.gzip), guard.inspect(made.gzip)]);
    expect(both.map(({ outcome }) => outcome)).toEqual(['too slow', 'busy']);
  });

  it('of xz take turns on the thread, and one that gives up does not let the next one in too early', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 8 });
    const controller = new AbortController();
    const ended: string[] = [];
    const note = (name: string) => (): void => void ended.push(name);
    const first = guard.inspect(made.xz).then(note('first'));
    const second = guard.inspect(made.xz, { signal: controller.signal }).catch(note('second, aborted'));
    const third = guard.inspect(made.xz).then(note('third'));
    setImmediate(() => controller.abort());
    await Promise.all([first, second, third]);
    expect(ended).toEqual(['second, aborted', 'first', 'third']);
  });

  it('of xz that give up while others run leave nothing in the memory of the decoder', async () => {
    const guard = new CompressionGuard({ ...WIDE, maxConcurrent: 1000 });
    const memory = (): number => {
      const { _moduleInstance: instance } = xz.XzReadableStream as unknown as {
        readonly _moduleInstance: { readonly exports: { readonly memory: WebAssembly.Memory } };
      };
      return instance.exports.memory.buffer.byteLength;
    };
    await guard.inspect(made.xz);
    const before = memory();
    let done = false;
    const running = guard.inspect(made.xz).then(() => (done = true));
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const waiting = guard.inspect(made.xz, { signal: controller.signal });
      await new Promise((resolve) => void setImmediate(resolve));
      controller.abort('gone');
      await expect(waiting).rejects.toBe('gone');
    }
    // None of them waited for the one that runs.
    expect(done).toBe(false);
    await running;
    expect(memory() - before).toBeLessThanOrEqual(4 << 20);
  });

  it('are handed on one by one, also where two end at once', async () => {
    const turnstile = new Turnstile(2, 2);
    expect(await turnstile.enter(1000, undefined)).toBe('in');
    expect(await turnstile.enter(1000, undefined)).toBe('in');
    const waiting = [turnstile.enter(1000, undefined), turnstile.enter(1000, undefined)];
    expect(await turnstile.enter(1000, undefined)).toBe('full');
    turnstile.leave();
    turnstile.leave();
    expect(await Promise.all(waiting)).toEqual(['in', 'in']);
    expect({ inside: turnstile.inside, waiting: turnstile.waiting }).toEqual({ inside: 2, waiting: 0 });
    turnstile.leave();
    turnstile.leave();
    expect(turnstile.inside).toBe(0);
  });
});

describe('a stream of node:zlib', () => {
  it('is closed in the middle of its input once a cap is reached', async () => {
    const stream = zlib.createInflateRaw({ chunkSize: 65_536 });
    const limits = { ...new CompressionGuard().limits, maxBytes: 100_000 };
    const packed = made['deflate-raw'];
    const tally = new Tally(limits, packed.length, Infinity, undefined);
    const taken = await inflate(stream, packed, tally);
    expect(tally.refusal?.outcome).toBe('too many bytes');
    expect({ closed: stream.closed, taken: taken < packed.length / 100 }).toEqual({
      closed: true,
      taken: true,
    });
  });
});

/** Turns that the event loop takes while something is awaited. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let ended = false;
  const count = (): void => {
    turns++;
    if (!ended) setImmediate(count);
  };
  setImmediate(count);
  await work;
  ended = true;
  return turns;
}

/** A zstd frame of blocks that are all empty, three bytes each, but for the last one, which is none. */
function emptyBlocks(bytes: number): Buffer {
  const frame = Buffer.alloc(6 + bytes - (bytes % 3));
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0, 0x50]);
  frame[frame.length - 3] = 7;
  return frame;
}

const padded = (bytes: number): Buffer => Buffer.concat([fixture('json.xz'), Buffer.alloc(bytes)]);

describe('the thread', () => {
  it.each([
    ['zstd blocks that are empty', emptyBlocks(12 << 20), 'corrupt'],
    ['zeros behind an xz stream', padded(12 << 20), 'passed'],
    ['many small xz streams', Buffer.concat(Array.from({ length: 100 }, () => fixture('json.xz'))), 'passed'],
  ])('has its turns while the guard walks through %s', async (_, payload, outcome) => {
    const guard = new CompressionGuard(WIDE);
    await guard.inspect(fixture('json.xz'));
    const inspected = guard.inspect(payload);
    expect(await turnsDuring(inspected)).toBeGreaterThan(10);
    expect((await inspected).outcome).toBe(outcome);
  });
});

describe('the time', () => {
  it.each([
    ['zstd blocks that are empty', emptyBlocks(48 << 20)],
    ['zeros behind an xz stream', padded(48 << 20)],
  ])('is kept in the middle of %s', async (_, payload) => {
    const guard = new CompressionGuard({ ...WIDE, maxMs: 10 });
    expect((await guard.inspect(payload)).outcome).toBe('too slow');
  });

  it('is kept although the thread pool is taken and no piece comes', async () => {
    // More than the pool has threads: each of these takes one for as long as it runs.
    const zeros = Buffer.alloc(64 << 20);
    const taken = Array.from(
      { length: 8 },
      () =>
        new Promise((resolve) =>
          zlib.brotliCompress(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 9 } }, resolve),
        ),
    );
    const firstFree = Promise.race(taken).then(() => performance.now());
    const guard = new CompressionGuard({ maxMs: 30 });
    const { outcome } = await guard.inspect(gzip(Buffer.from('text')));
    const endedMs = performance.now();
    expect(outcome).toBe('too slow');
    // Not when a thread was free at last.
    expect((await firstFree) - endedMs).toBeGreaterThan(0);
    await Promise.all(taken);
  });
});

describe('memory', () => {
  it.each(ALL)(
    'is a few pieces while 50 MB come out, by what is left of it at a collection: %s',
    async (format) => {
      const guard = new CompressionGuard(WIDE);
      const options = { encoding: format as Encoding };
      await guard.inspect(made[format], options);
      collect();
      const before = process.memoryUsage().arrayBuffers;
      let pieces = 0;
      let most = 0;
      const visit = (): void => {
        if (++pieces % 40 !== 0) return;
        collect();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      };
      await guard.inspect(made[format], { ...options, visit });
      expect(pieces).toBeGreaterThan(700);
      // Buffers are swept by another thread, after the collection: those of the 40 pieces before it may still be counted.
      expect(most).toBeLessThan(8 << 20);
    },
  );
});

describe('without a library', () => {
  afterEach(() => {
    vi.doUnmock('xz-decompress');
    vi.doUnmock('yauzl');
    vi.resetModules();
  });

  it.each([
    ['xz', 'xz-decompress'],
    ['zip', 'yauzl'],
  ] as const)('a payload is refused with the reason, never passed: %s', async (format, name) => {
    vi.resetModules();
    vi.doMock(name, () => {
      throw new Error('not installed');
    });
    const { CompressionGuard: Guard } = await import('../src/index.ts');
    const guard = new Guard();
    const found = await guard.inspect(made[format]);
    expect(found).toMatchObject({ outcome: 'unsupported', bytesOut: 0 });
    expect(found.reason).toContain(name);
    expect((await guard.capabilities())[format]).toMatchObject({ inspectable: false });
    expect((await guard.capabilities()).gzip.inspectable).toBe(true);
  });
});

describe('formatOf', () => {
  it('allocates nothing', () => {
    const payloads = [...Object.values(made), Buffer.from('{}'), Buffer.alloc(0)];
    const run = (times: number): number => {
      let found = 0;
      for (let i = 0; i < times; i++)
        for (const bytes of payloads) if (formatOf(bytes) !== undefined) found++;
      return found;
    };
    run(20_000);
    const before = process.memoryUsage().heapUsed;
    run(200_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000);
  });
});
