// What the fuzz pass must know of the addon of @corelane/io-ring.
//
// Rings are kept open for it, with hostile records staged, and descriptors that it may use: files in a folder of its own, devices, a pipe that nobody
// writes to. Records with other descriptors would read, write and close those of this process. What the kernel writes no sanitizer sees: the
// memory of each ring lies between canaries, which are looked at after every call.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export { FAULTS } from './io-ring-faults.mjs';

const RINGS = 4;
const RECORDS = 16;
const MARGIN_BYTES = 4096;
const REGION_BYTES = 32_768;
/** Where the list of vectors is: what follows is zeros, which name nothing and are right. */
const LIST_AT = 4096;
const LISTED = 8;
const CANARY = Buffer.alloc(MARGIN_BYTES, 0xa5);
/** Never open. */
const NO_DESCRIPTORS = [-1, 1_000_000, 2 ** 31 - 1];
/** Between two looks for descriptors that were opened by records. */
const CALLS_A_SWEEP = 64;
const none = () => undefined;

/** Words of 32 bits, and among them what is near the ends of the memory, of the tables, of the queues. */
const WORDS = [
  ...[0, 0, 0, 1, 2, 3, 4, 8, 12, 15, 16, 17, 31, 63, 64, 65, 100, 255, 256, 1023, 1024, 1025],
  ...[4095, 4096, REGION_BYTES - 256, REGION_BYTES - 12, REGION_BYTES - 1, REGION_BYTES, REGION_BYTES + 1],
  ...[65_536, 2 ** 20, 2 ** 30, 2 ** 31 - 1, -1, -2, -100, -(2 ** 31)],
];
const SQE_FLAGS = [0, 0, 0, 0, 1, 1, 2, 4, 4, 5, 8, 12, 16, 20, 32, 64, 255, -1];

export async function prepare({ declared }) {
  const base = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = fs.mkdtempSync(join(base, 'io-ring-fuzz-'));
  process.chdir(folder); // a path that begins in the middle is a file here
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  const { OP, STAGE, STAGE_WORDS, ADDRESS, ADDRESS_BYTES } = await import(join(declared, 'layout.ts'));
  return { data: { folder, OP, STAGE, STAGE_WORDS, ADDRESS, ADDRESS_BYTES, plausible: [1, 2, 3, 64] } };
}

/** Descriptors that records may have. */
function descriptorsIn(folder) {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const open = (path, flags) => fs.openSync(path, flags);
  return {
    plain: [
      open(join(folder, 'file'), 'w+'),
      open('/dev/zero', 'r+'),
      open('/dev/full', 'r+'),
      open('/dev/null', 'r'),
      ...NO_DESCRIPTORS,
    ],
    /** Reading it waits until the end. */
    waiting: open(join(folder, 'pipe'), 'r+'),
  };
}

export function thread({ addon, values: { next, pick }, data, thread: number }) {
  const { OP, STAGE, STAGE_WORDS, ADDRESS, ADDRESS_BYTES } = data;
  const folder = fs.mkdtempSync(join(data.folder, `${number}-`));
  const { plain, waiting } = descriptorsIn(folder);
  const paths = ['', 'file', 'missing/x', 'made', 'x'.repeat(300)].map((path) => join(folder, path));
  const opcodes = Object.values(OP);
  const socketOpcodes = new Set([OP.accept, OP.connect, OP.send, OP.recv, OP.shutdown]);
  /** That the addon has opened. */
  const sockets = [];
  /** Open rings, the youngest last. `staged` and `memory` are of those that were bound here. */
  const rings = [];
  let calls = 0;
  /** A descriptor that a record opened, or -1. */
  let opened = -1;

  const word = () => (next() < 0.9 ? pick(WORDS) : (next() * 2 ** 32) | 0);

  /** A record that may be wrong in any way, but for the descriptors and the room on the device that it takes. */
  function fillRecord(words, at, opcode, mayWait) {
    for (let index = 0; index < STAGE_WORDS; index++) words[at + index] = word();
    const flags = pick(SQE_FLAGS);
    words[at + STAGE.opcode] = opcode;
    words[at + STAGE.sqeFlags] = flags;
    if (next() < 0.6) words[at + STAGE.positionHigh] = 0;
    if (next() < 0.7) words[at + STAGE.flags] = 0;
    if (next() < 0.8) [words[at + STAGE.region], words[at + STAGE.region2]] = [0, 0];
    if (next() < 0.7) [words[at + STAGE.offset], words[at + STAGE.offset2]] = [pick([0, 64, 1024]), LIST_AT];
    if (opcode === OP.readv || opcode === OP.writev)
      words[at + STAGE.length] = pick([1, 2, 8, 400, 683, 1024]);
    words[at + STAGE.fd] = pick(opcode === OP.close && flags !== 1 ? NO_DESCRIPTORS : plain);
    if (mayWait && (opcode === OP.read || opcode === OP.readv) && next() < 0.2)
      words[at + STAGE.fd] = waiting;
    if (socketOpcodes.has(opcode)) {
      if (mayWait) words[at + STAGE.fd] = pick([...plain, ...sockets, ...sockets]);
      if (next() < 0.7) words[at + STAGE.length] = 16;
    }
    // What is there is a path, and at 64 nothing: no address of anybody.
    if (opcode === OP.connect) words[at + STAGE.offset] = pick([0, 64, REGION_BYTES, REGION_BYTES - 8, -1]);
    if (opcode === OP.fallocate) {
      words[at + STAGE.region2] = pick([-1, 0, 1, 4096]);
      words[at + STAGE.offset2] = pick([0, 2 ** 22, -1, -(2 ** 31)]);
    }
  }

  /** A path at 0, vectors, and at the end a path without one. */
  function fillMemory(memory) {
    const bytes = new Uint8Array(memory.buffer, MARGIN_BYTES, REGION_BYTES).fill(0);
    const vectors = new Int32Array(memory.buffer, MARGIN_BYTES + LIST_AT, LISTED * 3);
    const right = next() < 0.5;
    for (let at = 0; at < vectors.length; at += 3) {
      vectors[at] = right || next() < 0.9 ? 0 : word();
      vectors[at + 1] = right ? at : word();
      vectors[at + 2] = right ? 16 : word();
    }
    bytes.set(Buffer.from(`${pick(paths)}\0`), 0);
    bytes.fill(next() < 0.5 ? 0x78 : 0, REGION_BYTES - 64);
  }

  function makeRing() {
    const ring = addon.openRing(pick([1, 4, 16]), pick([16, 64]), pick([0, 16 | 128 | 256 | 4096]));
    if (ring < 0) throw new Error(`a ring to try things with cannot be opened: errno ${-ring}`);
    const staged = new Int32Array(new SharedArrayBuffer(RECORDS * STAGE_WORDS * 4));
    // Half of them end with their region: what is read behind it is seen by the sanitizer. What is written behind it, in the others.
    const behind = pick([0, MARGIN_BYTES]);
    const memory = new Uint8Array(new SharedArrayBuffer(MARGIN_BYTES + REGION_BYTES + behind)).fill(
      CANARY[0],
    );
    addon.bindQueues(ring, staged, new Int32Array(new SharedArrayBuffer(pick([1, 64]) * 8)));
    addon.addRegion(ring, memory.subarray(MARGIN_BYTES, MARGIN_BYTES + REGION_BYTES));
    if (next() < 0.5) addon.registerBuffers(ring);
    addon.registerFiles(ring, 8);
    for (let slot = 0; slot < 4; slot++) addon.setFile(ring, slot, plain[slot]);
    if (next() < 0.5) addon.watchRing(ring, closer);
    rings.unshift({ ring, staged, memory });
  }

  /** A read that waits, so that there is something to cancel, to wait for, and to be busy with. */
  function occupy(open, staged) {
    const read = { opcode: OP.read, fd: waiting, id: pick([0, 1, 2, 3]), offset: 64, length: 64 };
    staged.fill(0, 0, STAGE_WORDS);
    for (const [field, value] of Object.entries(read)) staged[STAGE[field]] = value;
    addon.submit(open, 1);
  }

  function close({ ring }) {
    addon.closeRing(ring);
    forget(ring);
  }

  /** A callback after which the ring may be gone: its own, or another. */
  function closer() {
    if (rings.length > 0 && next() < 0.3) close(pick(rings));
  }

  function forget(ring) {
    const at = rings.findIndex((open) => open.ring === ring);
    if (at >= 0) rings.splice(at, 1);
  }

  /** What records opened, but for one, is closed: by the addon, which would close it at the end of the thread, whosever it was by then. */
  function sweep() {
    for (const name of fs.readdirSync('/proc/self/fd')) {
      const fd = Number(name);
      if (plain.includes(fd) || fd === waiting || fd === opened) continue;
      try {
        if (!fs.readlinkSync(`/proc/self/fd/${name}`).startsWith(folder)) continue;
      } catch {
        continue; // it was that of the listing
      }
      if (opened < 0) opened = fd;
      else addon.closeDescriptor(fd);
    }
  }

  const own = new Set([...plain, waiting]);
  const isForeign = (fd) =>
    typeof fd === 'number' && fd >= 0 && fd < 1e6 && ![opened, ...sockets].includes(fd) && !own.has(fd);
  /** Looked up when the call is made: an older one is closed by then. */
  const ring = () => ({
    get value() {
      return rings.length === 0 ? 0 : pick(rings).ring;
    },
    description: 'a ring',
    check: none,
  });
  const from = (list) => () => {
    const value = pick(list);
    return { value, description: String(value), check: none };
  };

  const sharedWords = () => {
    const length = pick([1, 2, RECORDS, RECORDS * STAGE_WORDS]);
    const value = new Int32Array(new SharedArrayBuffer(length * 4));
    return { value, description: `${length} shared words`, check: none };
  };

  const address = () => {
    const bytes = pick([8, ADDRESS_BYTES - 1, ADDRESS_BYTES, ADDRESS_BYTES, ADDRESS_BYTES, 128]);
    const value = new Uint8Array(new SharedArrayBuffer(bytes));
    const text = pick(['127.0.0.1', '::1', '127.0.0.1x', '::ffff:127.0.0.1', 'x'.repeat(200), '']);
    const family = pick([4, 6, 0, 255]);
    if (next() < 0.1) value.fill(0xff);
    value[ADDRESS.family] = family;
    value.set(Buffer.from(text).subarray(0, Math.max(0, bytes - ADDRESS.text)), ADDRESS.text);
    return { value, description: `${bytes} shared bytes, ${family} ${text}`, check: none };
  };

  return {
    likely: {
      ring,
      fd: () => from([...plain, opened, opened, ...sockets, ...sockets])(),
      family: from([4, 6, 4, 6, 0, 2, 10]),
      option: from([-1, 0, 1, 2, 3, 4, 5, 6]),
      record: address,
      into: address,
      slot: from([-1, 0, 1, 3, 7, 8, 9]),
      count: from([0, 1, 2, 8, RECORDS, RECORDS + 1]),
      id: from([0, 1, 2, 3, 4, 5]),
      callback: () => ({ value: closer, description: 'closes a ring', check: none }),
      staged: sharedWords,
      done: sharedWords,
      results: sharedWords,
    },
    /** A descriptor of this process is not to be used up, whatever a function does with it. */
    harmful: (name, args, parameters) =>
      parameters.some(({ name: parameter }, index) => parameter === 'fd' && isForeign(args[index])),
    before(name) {
      if (++calls % CALLS_A_SWEEP === 0) sweep();
      if (rings.length > 0 && next() < 0.03) close(pick(rings));
      const bound = rings.filter(({ memory }) => memory !== undefined).length;
      for (let missing = RINGS - bound; missing > 0; missing--) makeRing();
      for (let missing = 2 - (rings.length - RINGS); missing > 0; missing--)
        rings.push({ ring: addon.openRing(4, 8, 0) });
      for (const { ring: open, staged, memory } of rings) {
        if (memory === undefined) continue;
        fillMemory(memory);
        // A batch that blocks the thread waits for what it has: nothing in it may wait for ever.
        const all = next() < 0.3 ? pick(opcodes) : undefined;
        for (let record = 0; record < RECORDS; record++) {
          const opcode = all ?? (next() < 0.9 ? pick(opcodes) : word());
          fillRecord(staged, record * STAGE_WORDS, opcode, name !== 'runBatch');
        }
        if (name !== 'runBatch' && next() < 0.03) occupy(open, staged);
      }
    },
    after(name, [first], result) {
      if (name === 'openRing' && result > 0) {
        if (rings.length > 2 * RINGS) addon.closeRing(result);
        else rings.push({ ring: result });
      }
      if (name === 'closeRing' && result === 0) forget(first);
      if (name === 'openSocket' && result >= 0) {
        sockets.push(result);
        if (sockets.length > 4) addon.closeDescriptor(sockets.shift());
      }
      if (name === 'closeDescriptor' && result === 0) {
        if (first === opened) opened = -1;
        else if (sockets.includes(first)) sockets.splice(sockets.indexOf(first), 1);
      }
      for (const { ring: open, memory } of rings) {
        if (memory === undefined) continue;
        const bytes = Buffer.from(memory.buffer);
        const behind = bytes.subarray(MARGIN_BYTES + REGION_BYTES);
        const whole = [bytes.subarray(0, MARGIN_BYTES), behind].every((margin) =>
          CANARY.subarray(0, margin.length).equals(margin),
        );
        if (!whole) return `memory of ring ${open} was written, outside of its region`;
      }
      return undefined;
    },
    /** They stay open, with what is in flight: the end of the thread closes them. But they must let it end. */
    stop() {
      for (const { ring: open } of rings) addon.holdLoop(open, 0);
    },
  };
}
