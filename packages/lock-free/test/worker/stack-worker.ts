// Takes and gives back indices, one by one and in chains; while it holds one, its mark must stay where it put it.
import { parentPort, workerData } from 'node:worker_threads';
import { IndexStack, STACK_EMPTY, type IndexStackHandle } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface StackStation {
  readonly handle: IndexStackHandle;
  readonly marks: Int32Array;
  /** Indices that each worker takes before it is done. */
  readonly times: number;
}

export interface StackReport {
  readonly taken: number;
  readonly wrong: readonly string[];
}

const { handle, marks, times, id, control } = workerData as StackStation & Station;
const stack = IndexStack.attach(handle);
const wrong: string[] = [];
const mine = id + 1;
let taken = 0;

function hold(index: number): void {
  if (marks[index] !== 0) wrong.push(`took ${index}, which ${marks[index]} holds`);
  marks[index] = mine; // plain: the stack hands it over
  taken++;
}

function free(index: number): void {
  if (marks[index] !== mine) wrong.push(`held ${index}, found ${marks[index]} in it`);
  marks[index] = 0;
}

arrive({ id, control });
const out = new Int32Array(5);
for (let round = 0; taken < times && wrong.length < 5; round++) {
  const before = taken;
  if (round % 3 === 0) {
    const count = stack.popMany(out);
    const held = out.subarray(0, count);
    held.forEach(hold);
    held.forEach(free);
    stack.pushMany(held);
  } else {
    const a = stack.pop();
    const b = stack.pop();
    if (a !== STACK_EMPTY) hold(a);
    if (b !== STACK_EMPTY) hold(b);
    if (a !== STACK_EMPTY) {
      free(a);
      stack.push(a);
    }
    if (b !== STACK_EMPTY) {
      free(b);
      stack.push(b);
    }
  }
  if (taken === before) yieldCore(control);
}
parentPort?.postMessage({ taken, wrong } satisfies StackReport);
