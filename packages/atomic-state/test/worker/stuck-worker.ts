// Stops for ever with something in its hands: between claim and publication, or within a handler.
import { workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { EventBuffer, EventRecord, type EventBufferHandle } from '../../src/index.ts';
import { eventKernelFor } from '../../src/event-kernel.ts';
import { eventBufferRoot } from '../../src/layout.ts';
import { THIS_THREAD } from '../../src/this-thread.ts';

export interface StuckStation {
  readonly handle: EventBufferHandle;
  readonly how: 'claims' | 'claims a batch, publishes some' | 'handles' | 'waits' | 'waits asynchronously';
  readonly urgent: number;
  /** Word 0 is 1 once it is stuck. */
  readonly word: Int32Array;
}

const { handle, how, urgent, word } = workerData as StuckStation;
const arena = Arena.attach(handle.arena);
const events = EventBuffer.attach(handle, arena);

function stop(): void {
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
  Atomics.wait(word, 1, 0);
}

function claim(count: number, published: number): void {
  const kernel = eventKernelFor(arena, events.machine.handle.at);
  const i32 = arena.i32;
  const seat = i32[(handle.at >> 2) + eventBufferRoot.word.seatsAt] as number;
  if (kernel.passSeat(seat, 0, THIS_THREAD) === 0) throw new Error('the first seat is taken');
  if (kernel.claimEvents(handle.at, seat, 0, count, urgent, THIS_THREAD) < 0) throw new Error('refused');
  if (published > 0) kernel.publishEvents(handle.at, seat, published, 0);
  stop();
}

switch (how) {
  case 'claims':
    claim(1, 0);
    break;
  case 'claims a batch, publishes some':
    claim(5, 2);
    break;
  case 'handles':
    events.consumer().drain(stop);
    break;
  case 'waits':
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    events.consumer().waitDequeue(new EventRecord());
    break;
  case 'waits asynchronously':
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    await events.consumer().next();
    break;
}
