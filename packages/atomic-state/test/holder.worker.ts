// Takes permits and keeps them.
import { parentPort, workerData } from 'node:worker_threads';
import { StateMachine, type StateMachineHandle } from '../src/index.ts';

export interface HolderInput {
  readonly handle: StateMachineHandle;
  readonly endpoint: number;
  readonly permits: number;
}

const { handle, endpoint, permits } = workerData as HolderInput;
const machine = StateMachine.attach(handle);
for (let i = 0; i < permits; i++) machine.tryAcquire(endpoint);
parentPort?.postMessage('holding');
setInterval(() => undefined, 1000);
