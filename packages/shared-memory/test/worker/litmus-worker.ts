// One side of a litmus test: two threads do the same few accesses on fresh words in each round, at the same time.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../src/index.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';
import { coarseClockRoot } from '../../src/layout.ts';
import { arrive } from '../../../../tools/testing/crew.ts';

export interface Station {
  readonly arena: Arena['handle'];
  readonly test: 'store buffering' | 'message passing';
  readonly side: 0 | 1;
  readonly access: 'plain' | 'atomics' | 'wasm';
  readonly milliseconds: number;
}

export interface Report {
  readonly rounds: number;
  /** Outcomes that sequential consistency forbids. */
  readonly forbidden: number;
}

/** Rounds before the threads meet again, each on lines of its own. */
const BATCH = 32;
const LINE_WORDS = 32;
// Words of the arena, a line each: the barrier, whether to stop, then the places of the rounds.
const BARRIER = 1024;
const STOP = BARRIER + LINE_WORDS;
const PLACES = STOP + LINE_WORDS;

const { arena: handle, test, side, access, milliseconds } = workerData as Station;
const arena = Arena.attach(handle);
const { i32 } = arena;
let meetings = 0;

/** Returns when the other side has come here too. Spins on an atomic load, as any spin must. */
function meet(): void {
  meetings++;
  Atomics.add(i32, BARRIER, 1);
  while (Atomics.load(i32, BARRIER) < 2 * meetings);
}

/**
 * (module (import "env" "memory" (memory 0 65536 shared))
 *   (func (export "a") (param i32 i32) (result i32)
 *     (i32.atomic.store (local.get 0) (i32.const 1)) (i32.atomic.load (local.get 1))))
 */
const STORE_LOAD = Buffer.from(
  '0061736d01000000010701' +
    '60027f7f017f' +
    '0212' +
    '0103656e76066d656d6f7279020300808004' +
    '03020100' +
    '070501016100' +
    '00' +
    '0a12' +
    '0110' +
    '0020004101fe1702002001fe1002000b',
  'hex',
).toString('base64');

const wasm = arena.kernel<{ a(store: number, load: number): number }>({ base64: STORE_LOAD });
/** Stores 1 to one word, then loads another. */
const storeThenLoad = {
  plain: (store: number, load: number): number => {
    i32[store] = 1;
    return i32[load]!;
  },
  atomics: (store: number, load: number): number => {
    Atomics.store(i32, store, 1);
    return Atomics.load(i32, load);
  },
  wasm: (store: number, load: number): number => wasm.a(store << 2, load << 2),
}[access];

/** x = 1; r = y against y = 1; r = x. Both r = 0 has no interleaving. */
function storeBuffering(): Report {
  const seen = PLACES + 4 * BATCH * LINE_WORDS;
  let rounds = 0;
  let forbidden = 0;
  for (const end = performance.now() + milliseconds; ; rounds += BATCH) {
    if (side === 0) {
      for (let i = 0; i < 2 * BATCH; i++) Atomics.store(i32, PLACES + i * LINE_WORDS, 0);
      if (performance.now() > end) Atomics.store(i32, STOP, 1);
    }
    meet();
    if (Atomics.load(i32, STOP) === 1) return { rounds, forbidden }; // stays as it is until both have met again
    for (let i = 0; i < BATCH; i++) {
      const mine = PLACES + (2 * i + side) * LINE_WORDS;
      const other = PLACES + (2 * i + 1 - side) * LINE_WORDS;
      i32[seen + 2 * i + side] = storeThenLoad(mine, other);
    }
    meet(); // hands `seen` over
    if (side === 0)
      for (let i = 0; i < BATCH; i++) if (i32[seen + 2 * i] === 0 && i32[seen + 2 * i + 1] === 0) forbidden++;
  }
}

/** Plain words are written, then a flag is published; who has seen the flag reads them: all must be there. */
function messagePassing(): Report {
  const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
  const flag = (side_: number): number => PLACES + side_ * 8 * LINE_WORDS;
  // The clock's kernel publishes by CAS and observes by load: real code on both sides. It is given the address of its root.
  const clock = (side_: number): number => (flag(side_) << 2) - coarseClockRoot.offset.now;
  const publish = (round: number): void =>
    access === 'wasm'
      ? void kernel.advanceClock(clock(side), round)
      : void Atomics.store(i32, flag(side), round);
  const observe = (): number =>
    access === 'wasm' ? kernel.readClock(clock(1 - side)) : Atomics.load(i32, flag(1 - side));
  const data = PLACES + 32 * LINE_WORDS;
  let forbidden = 0;
  let round = 1;
  let isLast = false;
  for (const end = performance.now() + milliseconds; !isLast; round++) {
    if (side === 0) {
      isLast = performance.now() > end;
      if (isLast) Atomics.store(i32, STOP, 1);
      for (let i = 0; i < 16; i++) i32[data + i * LINE_WORDS] = round;
      publish(round);
      while (observe() !== round);
    } else {
      while (observe() !== round);
      for (let i = 15; i >= 0; i--) if (i32[data + i * LINE_WORDS] !== round) forbidden++;
      isLast = Atomics.load(i32, STOP) === 1; // before the answer: then it may change
      publish(round);
    }
  }
  return { rounds: round, forbidden };
}

arrive(workerData);
parentPort!.postMessage(test === 'store buffering' ? storeBuffering() : messagePassing());
