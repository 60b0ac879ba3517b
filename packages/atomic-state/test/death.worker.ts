// Takes a permit, then the mutex of the endpoint, and never gives either back.
import { parentPort, workerData } from 'node:worker_threads';
import { SharedMutex } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import { StateMachine, type StateMachineHandle } from '../src/index.ts';
import { machineRoot, standardCell } from '../src/layout.ts';

export interface DeathInput {
  readonly handle: StateMachineHandle;
  readonly endpoint: number;
}

const { handle, endpoint } = workerData as DeathInput;
const arena = Arena.attach(handle.arena);
const machine = StateMachine.attach(handle, arena);
const admission = machine.tryAcquire(endpoint);
const cells = arena.i32[(handle.at >> 2) + machineRoot.word.cells] as number;
SharedMutex.over(arena, cells + endpoint * standardCell.bytes + standardCell.offset.mutex).acquire();
parentPort?.postMessage(admission);
setInterval(() => undefined, 1000);
