/** The functions of the addon, called as no TypeScript of ours calls them: they throw or answer -errno, and the process lives. */
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IoRing } from '../src/index.ts';
import {
  ADDRESS,
  ADDRESS_BYTES,
  SOCKET_OPTION,
  DONE,
  DONE_WORDS,
  FACTS,
  FACTS_WORDS,
  OP,
  SETUP,
  SQE,
  STAGE,
  STAGE_WORDS,
} from '../src/layout.ts';
import { loadNative, type NativeAddon } from '../src/native.ts';
import { openRing } from '../src/ring-setup.ts';
import { fileOf, pipePath, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const EINVAL = -22;
const EBUSY = -16;

function words(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

test('a machine without io_uring gets node:fs, and is told why', () => {
  const refusing = (errno: number): NativeAddon => ({ openRing: () => -errno }) as unknown as NativeAddon;
  expect(openRing(refusing(38), 8)).toMatch(/answered ENOSYS: .* \(6\.0 or later needed\)/);
  expect(openRing(refusing(22), 8)).toMatch(/answered EINVAL: .* \(6\.0 or later needed\)/);
  expect(openRing(refusing(1), 8)).toMatch(
    /EPERM: forbidden, by kernel.io_uring_disabled or a seccomp filter/,
  );
  expect(openRing(refusing(12), 8)).toMatch(/RLIMIT_MEMLOCK/);
  expect(openRing(refusing(24), 8)).toBe('io_uring_setup answered EMFILE');
});

describe.runIf(native)('the addon', () => {
  const addon = (loadNative().addon ?? {}) as NativeAddon;
  const { abi, ...functions } = addon;
  const values: unknown[] = [
    undefined, null, true, -1, 0, 1, 2, 0.5, Number.NaN, Infinity, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1n, '1', {}, [],
    Symbol('s'), () => {}, new Uint8Array(8), new SharedArrayBuffer(8), shared(0), shared(1), words(1), words(64),
    new DataView(new SharedArrayBuffer(8)), new Uint8Array(new SharedArrayBuffer(65), 1), new BigInt64Array(8),
  ]; // prettier-ignore

  /** A ring with 4 entries, its stage and what has completed. */
  function made(): { ring: number; staged: Int32Array; done: Int32Array } {
    const ring = addon.openRing(4, 8, SETUP.clamp | SETUP.singleIssuer);
    expect(ring).toBeGreaterThan(0);
    const [staged, done] = [words(4 * STAGE_WORDS), words(8 * DONE_WORDS)];
    expect(addon.bindQueues(ring, staged, done)).toBe(0);
    return { ring, staged, done };
  }

  /** Nothing is in flight any more. */
  async function reaped(ring: number): Promise<void> {
    const facts = words(FACTS_WORDS);
    do {
      await turn();
      addon.ringFacts(ring, facts);
    } while (facts[FACTS.inFlight] !== 0);
  }

  test('any argument at any place throws or is answered by a number', () => {
    expect(abi).toBe(2);
    const { ring } = made();
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (const [name, call] of Object.entries(functions) as [string, (...args: unknown[]) => unknown][])
      for (let round = 0; round < 400; round++) {
        // A huge ring, a batch of garbage or the only ring closed would each be right, and of no use here.
        if (name === 'openRing' || name === 'closeRing' || name === 'runBatch') break;
        const args = Array.from({ length: random(5) }, () => values[random(values.length)]);
        if (random(2) === 0) args[0] = ring;
        try {
          expect(typeof call(...args)).toBe('number');
        } catch (error) {
          expect({ name, code: (error as { code?: string }).code }).toEqual({
            name,
            code: 'ERR_NATIVE_ARGUMENT',
          });
        }
      }
    addon.closeRing(ring);
  });

  test('setup flags that change the shape of a ring are refused', () => {
    for (const flags of [1, 2, 1 << 6, 1 << 10, 1 << 11, 1 << 13, 1 << 14, -1])
      expect(addon.openRing(4, 8, flags)).toBe(EINVAL);
    expect(addon.openRing(0, 0, 0)).toBe(EINVAL);
    const huge = addon.openRing(-1, 0, SETUP.clamp);
    if (huge > 0) addon.closeRing(huge);
  });

  test('a ring that is closed, was never open, or is another thread’s is not found', () => {
    const { ring } = made();
    expect(addon.closeRing(ring)).toBe(0);
    for (const handle of [ring, 0, -1, 2 ** 32 + ring, 1e9])
      for (const name of ['closeRing', 'cancelBatch', 'registerBuffers'] as const)
        expect(() => addon[name](handle)).toThrow(expect.objectContaining({ code: 'ERR_NATIVE_ARGUMENT' }));
  });

  test('memory of a plain ArrayBuffer is refused, and views that are too small', () => {
    const { ring } = made();
    expect(() => addon.addRegion(ring, new Uint8Array(8))).toThrow('expected a typed array on shared memory');
    expect(() => addon.runBatch(ring, 1, new Int32Array(4))).toThrow('shared memory');
    expect(addon.addRegion(ring, shared(0))).toBe(EINVAL);
    expect(addon.ringFacts(ring, words(FACTS_WORDS - 1))).toBe(EINVAL);
    expect(addon.runBatch(ring, 2, words(1))).toBe(EINVAL);
    expect(addon.runBatch(ring, 5, words(5))).toBe(EINVAL); // the stage has 4
    expect(addon.submit(ring, 5)).toBe(EINVAL);
    const bare = addon.openRing(4, 8, 0);
    expect(addon.submit(bare, 1)).toBe(EINVAL); // no stage
    expect(addon.runBatch(bare, 1, words(1))).toBe(EINVAL);
    expect(addon.watchRing(bare, () => {})).toBe(EINVAL);
    expect(addon.holdLoop(bare, 1)).toBe(EINVAL);
    const odd = new Uint8Array(new SharedArrayBuffer(400), 1) as unknown as Int32Array;
    expect(addon.bindQueues(bare, odd, words(8))).toBe(EINVAL);
    addon.closeRing(bare);
    addon.closeRing(ring);
  });

  test('a record that names memory outside of its region, or an operation that is none, is refused', () => {
    const { ring, staged } = made();
    const region = addon.addRegion(ring, shared(100));
    const fd = fs.openSync(fileOf('x'.repeat(1000)), 'r+');
    const record = (fields: Partial<Record<keyof typeof STAGE, number>>): number => {
      staged.fill(0);
      const all = { opcode: OP.read, fd, region, length: 100, ...fields };
      for (const [name, value] of Object.entries(all)) staged[STAGE[name as keyof typeof STAGE]] = value;
      return addon.submit(ring, 1);
    };
    const ERANGE = -34;
    expect(record({ length: 101 })).toBe(ERANGE);
    expect(record({ offset: 1 })).toBe(ERANGE);
    expect(record({ offset: -1, length: 1 })).toBe(ERANGE);
    expect(record({ length: -1 })).toBe(ERANGE);
    expect(record({ opcode: OP.write, offset: 0x7fffffff, length: 0x7fffffff })).toBe(ERANGE);
    for (const bad of [-1, 64, 1 << 30, region + 1]) expect(record({ region: bad })).toBe(EINVAL);
    expect(record({ options: 1 })).toBe(EINVAL); // not registered
    for (const sqeFlags of [32, 64, 128, 256, -1]) expect(record({ sqeFlags })).toBe(EINVAL);
    for (const opcode of [0, 6, 7, 9, 10, 14, 30, 46, 255, 256 + OP.read, -1, 1 << 30])
      expect(record({ opcode })).toBe(-95);
    for (const opcode of [OP.readv, OP.writev]) {
      expect(record({ opcode, length: 0, region2: region })).toBe(EINVAL);
      expect(record({ opcode, length: 1025, region2: region })).toBe(EINVAL);
      expect(record({ opcode, length: 9, region2: region })).toBe(ERANGE); // 9 vectors of 12 bytes
    }
    expect(record({ opcode: OP.openat, offset: 100 })).toBe(ERANGE);
    expect(record({ opcode: OP.statx, region2: region, offset2: 0 })).toBe(ERANGE); // 256 bytes do not fit
    for (const opcode of [OP.send, OP.recv, OP.connect]) {
      expect(record({ opcode, length: 101 })).toBe(ERANGE);
      expect(record({ opcode, length: -1 })).toBe(ERANGE);
      expect(record({ opcode, region: 63 })).toBe(EINVAL);
    }
    for (const flags of [1, 2, 0x20, 0x40, 0x4000000, -1])
      expect(record({ opcode: OP.recv, flags })).toBe(EINVAL);
    const facts = words(FACTS_WORDS);
    addon.ringFacts(ring, facts);
    expect(facts[FACTS.inFlight]).toBe(0);
    // In a batch the same, each in its place; and what a batch does not take.
    staged.fill(0);
    for (let index = 0; index < 4; index++) {
      staged[index * STAGE_WORDS + STAGE.opcode] = [OP.read, OP.read, OP.openat, OP.readv][index] as number;
      staged[index * STAGE_WORDS + STAGE.fd] = fd;
      staged[index * STAGE_WORDS + STAGE.region] = region;
      staged[index * STAGE_WORDS + STAGE.length] = index === 0 ? 101 : 100;
    }
    const results = words(4);
    expect(addon.runBatch(ring, 4, results)).toBe(1);
    expect([...results]).toEqual([ERANGE, 100, -95, ERANGE]);
    fs.closeSync(fd);
    addon.closeRing(ring);
  });

  test('an address that is none, and a descriptor that is no socket, are refused', () => {
    const { ring } = made();
    const at = (family: number, text: string): Uint8Array => {
      const record = shared(ADDRESS_BYTES);
      record[ADDRESS.family] = family;
      Buffer.from(text).copy(record, ADDRESS.text);
      return record;
    };
    for (const [family, text] of [
      [4, '::1'],
      [4, '1.2.3'],
      [4, ''],
      [6, '1.2.3.4'],
      [6, 'x'.repeat(56)],
      [0, '1.2.3.4'],
      [255, '::'],
    ] as const) {
      expect(addon.encodeAddress(at(family, text))).toBe(EINVAL);
      expect(addon.bindSocket(0, at(family, text))).toBe(EINVAL);
    }
    expect(addon.encodeAddress(shared(ADDRESS_BYTES - 1))).toBe(EINVAL);
    expect(addon.socketAddress(0, 0, shared(ADDRESS_BYTES - 1))).toBe(EINVAL);
    expect([addon.encodeAddress(at(4, '1.2.3.4')), addon.encodeAddress(at(6, 'fe80::1'))]).toEqual([16, 28]);
    for (const family of [0, 5, -1, 2 ** 31 - 1]) expect(addon.openSocket(ring, family)).toBe(EINVAL);
    const file = fs.openSync(fileOf('x'), 'r');
    for (const [fd, errno] of [
      [file, -88],
      [999_999, -9],
      [-1, -9],
    ] as const) {
      expect(addon.bindSocket(fd, at(4, '127.0.0.1'))).toBe(errno);
      expect(addon.listenSocket(fd, 5)).toBe(errno);
      expect(addon.socketAddress(fd, 1, shared(ADDRESS_BYTES))).toBe(errno);
      expect(addon.setSocketOption(fd, SOCKET_OPTION.noDelay, 1)).toBe(errno);
    }
    const region = addon.addRegion(ring, shared(100));
    for (const [offset, length] of [
      [0, 101],
      [101, 0],
      [1, 100],
      [2 ** 32, 1],
      [2 ** 53 - 1, 2 ** 53 - 1],
    ] as const)
      expect(addon.trySend(ring, file, region, offset, length)).toBe(-34);
    for (const bad of [-1, 64, region + 1]) expect(addon.trySend(ring, file, bad, 0, 1)).toBe(EINVAL);
    expect([addon.trySend(ring, file, region, 0, 1), addon.trySend(ring, -1, region, 0, 1)]).toEqual([
      -88, -9,
    ]);
    const fd = addon.openSocket(ring, 4);
    expect(addon.trySend(ring, fd, region, 0, 1)).toBe(-32); // EPIPE: not connected
    for (const option of [-1, 6, 2 ** 30]) expect(addon.setSocketOption(fd, option, 1)).toBe(EINVAL);
    expect(addon.setSocketOption(fd, SOCKET_OPTION.keepAliveSeconds, -5)).toBe(EINVAL);
    expect(addon.socketAddress(fd, 1, shared(ADDRESS_BYTES))).toBe(-107); // ENOTCONN
    expect(addon.closeDescriptor(fd)).toBe(0);
    fs.closeSync(file);
    addon.closeRing(ring);
  });

  test('a second batch, and anything else, waits until the first is over', () => {
    const { ring } = made();
    expect(addon.watchRing(ring, () => {})).toBe(0);
    expect(addon.watchRing(ring, () => {})).toBe(EINVAL);
    expect(addon.bindQueues(ring, words(64), words(64))).toBe(EINVAL);
    expect(addon.cancelBatch(ring)).toBe(0);
    expect(addon.registerFiles(ring, 0)).toBe(EINVAL);
    expect(addon.registerFiles(ring, 2)).toBe(0);
    expect(addon.registerFiles(ring, 2)).toBe(EBUSY);
    expect(addon.setFile(ring, 2, -1)).toBe(EINVAL);
    expect(addon.setFile(ring, 2 ** 40, -1)).toBe(EINVAL);
    expect(addon.setFile(ring, 0, 999_999)).toBe(-9);
    expect(addon.cancelOperation(ring, 5)).toBe(-2);
    expect(addon.cancelOperation(ring, 2 ** 40)).toBe(EINVAL);
    addon.closeRing(ring);
  });

  test('a close that did not take place leaves the descriptor to the thread, one that did does not', async () => {
    const { ring, staged } = made();
    const path = Buffer.from(`${fileOf('x')}\0`);
    const memory = shared(path.length);
    memory.set(path);
    const region = addon.addRegion(ring, memory);
    const put = (index: number, fields: Partial<Record<keyof typeof STAGE, number>>): void => {
      staged.fill(0, index * STAGE_WORDS, (index + 1) * STAGE_WORDS);
      for (const [name, value] of Object.entries(fields))
        staged[index * STAGE_WORDS + STAGE[name as keyof typeof STAGE]] = value;
    };
    // The lowest number that is free: the open gives it out, and no other thread opens anything here.
    const fd = fs.openSync('/dev/null', 'r');
    fs.closeSync(fd);
    expect(addon.watchRing(ring, () => {})).toBe(0);
    put(0, { opcode: OP.openat, fd: -100, region, id: 1 });
    expect(addon.submit(ring, 1)).toBe(1);
    expect(addon.closeDescriptor(fd)).toBe(-9); // open, and not heard of yet
    await reaped(ring);
    put(0, { opcode: OP.read, fd: -1, region, length: 1, sqeFlags: SQE.link, id: 2 });
    put(1, { opcode: OP.close, fd, id: 3 }); // cancelled, for the read fails
    expect(addon.submit(ring, 2)).toBe(2);
    expect(addon.closeDescriptor(fd)).toBe(-9); // it may be closed already
    await reaped(ring);
    expect(addon.closeDescriptor(fd)).toBe(0);
    expect(() => fs.fstatSync(fd)).toThrow('EBADF');
    for (const odd of [fd, 999_999, -1, 2 ** 31 - 1, -(2 ** 31)]) expect(addon.closeDescriptor(odd)).toBe(-9);
    put(0, { opcode: OP.openat, fd: -100, region, id: 4 });
    expect(addon.submit(ring, 1)).toBe(1);
    expect(() => fs.fstatSync(fd)).not.toThrow();
    addon.closeRing(ring); // nobody hears of it
    expect(() => fs.fstatSync(fd)).toThrow('EBADF');
  });

  test('an open that waits is found by its id and cancelled', async () => {
    const { ring, staged, done } = made();
    const path = Buffer.from(`${pipePath()}\0`);
    const memory = shared(path.length);
    memory.set(path);
    const region = addon.addRegion(ring, memory);
    expect(addon.watchRing(ring, () => {})).toBe(0);
    // IOSQE_ASYNC: where it may wait for a writer, which a pipe that is opened without does not.
    for (const [name, value] of Object.entries({ opcode: OP.openat, fd: -100, region, sqeFlags: 16, id: 77 }))
      staged[STAGE[name as keyof typeof STAGE]] = value;
    expect(addon.submit(ring, 1)).toBe(1);
    expect(addon.cancelOperation(ring, 78)).toBe(-2);
    addon.cancelOperation(ring, 77); // 0, or -EALREADY
    await reaped(ring);
    expect(done[DONE.id]).toBe(77);
    expect([-125, -4, -512]).toContain(done[DONE.result]);
    addon.closeRing(ring);
  }, 5000);

  test('linked records go in together or not at all', async () => {
    const { ring, staged, done } = made();
    expect(addon.watchRing(ring, () => {})).toBe(0);
    const region = addon.addRegion(ring, shared(16));
    const fd = fs.openSync(fileOf('abcdef'), 'r+');
    const put = (index: number, fields: Partial<Record<keyof typeof STAGE, number>>): void => {
      const record = { opcode: OP.read, fd, region, length: 1, id: index, ...fields };
      staged.fill(0, index * STAGE_WORDS, (index + 1) * STAGE_WORDS);
      for (const [name, value] of Object.entries(record))
        staged[index * STAGE_WORDS + STAGE[name as keyof typeof STAGE]] = value;
    };
    const link = SQE.link;
    put(0, {});
    put(1, { sqeFlags: link });
    put(2, { length: 100 }); // outside of its region
    put(3, {});
    expect(addon.submit(ring, 4)).toBe(1); // what is before the chain
    await reaped(ring);
    staged.copyWithin(0, STAGE_WORDS);
    expect(addon.submit(ring, 3)).toBe(-34);
    for (const index of [0, 1, 2, 3]) put(index, { sqeFlags: link, length: index === 1 ? 16 : 1 }); // the second falls short
    expect(addon.submit(ring, 4)).toBe(4); // the last is linked to nothing
    await reaped(ring);
    const results = Array.from({ length: 4 }, (_, record) => done[record * DONE_WORDS + DONE.result]);
    expect(results).toEqual([1, 6, -125, -125]);
    put(0, {});
    expect(addon.submit(ring, 1)).toBe(1); // and has caught nothing
    await reaped(ring);
    expect(done[DONE.result]).toBe(1);
    // Two chains of 3 do not fit into 4 entries: the second stays.
    const [wide, records, finished] = [
      addon.openRing(4, 8, 0),
      words(8 * STAGE_WORDS),
      words(8 * DONE_WORDS),
    ];
    expect(addon.bindQueues(wide, records, finished)).toBe(0);
    const other = addon.addRegion(wide, shared(16));
    for (let index = 0; index < 6; index++) {
      put(0, { region: other, sqeFlags: index === 2 ? 0 : link });
      records.set(staged.subarray(0, STAGE_WORDS), index * STAGE_WORDS);
    }
    expect(addon.submit(wide, 6)).toBe(3);
    addon.closeRing(wide);
    addon.closeRing(ring);
    fs.closeSync(fd);
  });

  test('what the kernel supports is asked by number', () => {
    const { ring } = made();
    expect(addon.supports(ring, OP.read)).toBe(1);
    for (const opcode of [254, 255, 256, 65_536, 2 ** 53 - 1]) expect(addon.supports(ring, opcode)).toBe(0);
    expect(() => addon.supports(ring, -1)).toThrow(expect.objectContaining({ code: 'ERR_NATIVE_ARGUMENT' }));
    addon.closeRing(ring);
  });

  test('a thousand rings are opened and closed, and no descriptor is left', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 1000; round++) {
      const ring = IoRing.open({ entries: 2 });
      ring.register(shared(10));
      await ring.close();
    }
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });
});
