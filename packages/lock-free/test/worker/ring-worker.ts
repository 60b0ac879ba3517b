// Both ends of an SpscRing: blocks and single values of a sequence go in, and must come out as that sequence.
import { parentPort, workerData } from 'node:worker_threads';
import { RING_EMPTY, RING_FULL, SpscRing, type SpscRingHandle } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface RingStation {
  readonly handle: SpscRingHandle;
  readonly role: 'producer' | 'consumer';
  /** Values in all. */
  readonly count: number;
  /** Values of a block at most; 1: by tryPush and tryPop. */
  readonly block: number;
}

export interface RingReport {
  readonly role: RingStation['role'];
  readonly done: number;
  /** Full or empty. */
  readonly refused: number;
  readonly wrong: readonly string[];
}

const { handle, role, count, block, id, control } = workerData as RingStation & Station;
const ring = SpscRing.attach(handle);
const isWords = ring.element === 'i32';
const valueOf = (n: number): number => (isWords ? Math.imul(n, 0x9e3779b1) : (n * 7) & 255);
const values = isWords ? new Int32Array(block) : new Uint8Array(block);
const wrong: string[] = [];
let done = 0;
let refused = 0;

function refuse(): void {
  if (++refused % 64 === 0) yieldCore(control);
}

function produce(): void {
  using producer = ring.producer();
  while (done < count) {
    if (block === 1) {
      if (producer.tryPush(valueOf(done)) === RING_FULL) refuse();
      else done++;
      continue;
    }
    const length = Math.min(1 + (done % block), count - done);
    for (let i = 0; i < length; i++) values[i] = valueOf(done + i);
    const written = producer.write(values, 0, length);
    done += written;
    if (written === 0) refuse();
  }
}

function consume(): void {
  using consumer = ring.consumer();
  const check = (value: number): void => {
    if (value !== valueOf(done) && wrong.length < 5)
      wrong.push(`${value} as number ${done}, expected ${valueOf(done)}`);
  };
  while (done < count) {
    if (block === 1) {
      const value = consumer.tryPop();
      if (value === RING_EMPTY) refuse();
      else {
        check(value);
        done++;
      }
      continue;
    }
    const got = consumer.read(values, 0, 1 + (done % block));
    for (let i = 0; i < got; i++, done++) check(values[i] as number);
    if (got === 0) refuse();
  }
}

arrive({ id, control });
if (role === 'producer') produce();
else consume();
parentPort?.postMessage({ role, done, refused, wrong } satisfies RingReport);
