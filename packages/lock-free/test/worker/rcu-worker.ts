// Reads versions whose words must all be the same, and never go back; or updates them; or dies in a section.
import { parentPort, workerData } from 'node:worker_threads';
import { RcuCell, type RcuCellHandle } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';

export interface RcuStation {
  readonly handle: RcuCellHandle;
  readonly kind: 'read' | 'update' | 'hold' | 'hold-update';
  readonly times: number;
}

export interface RcuReport {
  readonly done: number;
  readonly torn: number;
  readonly changed: number;
  readonly back: number;
}

const { handle, kind, times, id, control } = workerData as RcuStation & Station;
const cell = RcuCell.attach(handle);
let done = 0;
let torn = 0;
let changed = 0;
let back = 0;
let last = 0;

function read(): void {
  const { i32 } = cell.enter();
  const first = i32[0] as number;
  for (const word of i32) if (word !== first) torn++;
  if (i32[0] !== first) changed++;
  if (first < last) back++;
  last = first;
  cell.exit();
}

const increment = ({ i32 }: { readonly i32: Int32Array }): void => {
  for (let i = 0; i < i32.length; i++) i32[i] = (i32[i] as number) + 1;
};

function park(): void {
  arrive({ id, control });
  Atomics.wait(control, 2, 0);
}

if (kind === 'hold') {
  cell.enter();
  park();
} else if (kind === 'hold-update')
  cell.update(({ i32 }) => {
    i32[0] = -1;
    park();
  });
else {
  arrive({ id, control });
  for (; done < times; done++)
    if (kind === 'read') read();
    else cell.update(increment);
  parentPort?.postMessage({ done, torn, changed, back } satisfies RcuReport);
}
