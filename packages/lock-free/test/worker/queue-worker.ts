// A producer pushes `count` values of its own in order; a consumer pops until all values of all producers are out.
import { parentPort, workerData } from 'node:worker_threads';
import { BoundedQueue, QUEUE_EMPTY, QUEUE_FULL, type BoundedQueueHandle } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface QueueStation {
  readonly handle: BoundedQueueHandle;
  readonly role: 'producer' | 'consumer';
  readonly producers: number;
  /** Values of each producer. */
  readonly count: number;
  /** How often each value came out. */
  readonly seen: Int32Array;
  /** One word: values that came out. */
  readonly taken: Int32Array;
}

export interface QueueReport {
  readonly role: QueueStation['role'];
  readonly done: number;
  /** Full or empty. */
  readonly refused: number;
  readonly wrong: readonly string[];
}

const { handle, role, producers, count, seen, taken, id, control } = workerData as QueueStation & Station;
const queue = BoundedQueue.attach(handle);
const wrong: string[] = [];
let done = 0;
let refused = 0;

function refuse(): void {
  if (++refused % 64 === 0) yieldCore(control);
}

function produce(): void {
  for (let n = 0; n < count; n++) {
    while (queue.tryPush(id * count + n) === QUEUE_FULL) refuse();
    done++;
  }
}

function consume(): void {
  const last = new Int32Array(producers).fill(-1);
  while (Atomics.load(taken, 0) < producers * count) {
    const value = queue.tryPop();
    if (value === QUEUE_EMPTY) {
      refuse();
      continue;
    }
    Atomics.add(taken, 0, 1);
    Atomics.add(seen, value, 1);
    done++;
    const producer = Math.floor(value / count);
    if (value <= (last[producer] as number))
      wrong.push(`${value} of producer ${producer} after ${last[producer]}`);
    last[producer] = value;
  }
}

arrive({ id, control });
if (role === 'producer') produce();
else consume();
parentPort?.postMessage({ role, done, refused, wrong: wrong.slice(0, 5) } satisfies QueueReport);
