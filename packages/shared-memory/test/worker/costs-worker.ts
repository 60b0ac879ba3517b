// The other thread of test/costs.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena, idleStrategy, Parker, type ParkerHandle } from '../../src/index.ts';
import { arrive } from '../../../../tools/testing/crew.ts';

export interface Station {
  readonly role: 'ping' | 'pong' | 'add';
  readonly wait: 'parker' | 'wait' | 'adaptive' | 'spinning';
  readonly times: number;
  readonly arena: Arena['handle'];
  readonly parkers: readonly [ParkerHandle, ParkerHandle];
  /** `add`: the word to add to. */
  readonly word: number;
}

const { role, wait, times, arena: handle, parkers, word } = workerData as Station;
const arena = Arena.attach(handle);
const { i32 } = arena;
const side = role === 'pong' ? 1 : 0;
const mine = Parker.attach(parkers[side], arena);
const other = Parker.attach(parkers[1 - side]!, arena);
const [ball, reply] = side === 0 ? [word, word + 32] : [word + 32, word];
const idle = idleStrategy(wait === 'spinning' ? 'spinning' : 'adaptive', { parker: mine, threads: 2 });

function waitFor(value: number): void {
  if (wait === 'adaptive' || wait === 'spinning') while (Atomics.load(i32, reply) !== value) idle.idle(0);
  else if (wait === 'wait') while (Atomics.load(i32, reply) !== value) Atomics.wait(i32, reply, value - 1);
  else
    for (let seen = mine.prepare(); Atomics.load(i32, reply) !== value; seen = mine.prepare())
      mine.park(seen);
  idle.idle(1);
}

function send(value: number): void {
  Atomics.store(i32, ball, value);
  if (wait === 'wait') Atomics.notify(i32, ball, 1);
  else other.unpark();
}

arrive(workerData);
const start = performance.now();
if (role === 'add') for (let i = 0; i < times; i++) Atomics.add(i32, word, 1);
else
  for (let i = 1; i <= times; i++) {
    if (role === 'ping') send(i);
    waitFor(i);
    if (role === 'pong') send(i);
  }
parentPort!.postMessage(((performance.now() - start) / times) * 1e6);
