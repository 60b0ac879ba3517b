// What each thread of the contention cases does.
import { Recorded, StateMachine, type StateMachineHandle } from '@corelane/atomic-state';
import { Arena, type ArenaHandle } from '@corelane/shared-memory';
import { BareWord, bigintCas } from './words.ts';

export type Work =
  | { readonly kind: 'deliver'; readonly handle: StateMachineHandle; readonly endpoint: string }
  | { readonly kind: 'wasm' | 'bigint'; readonly handle: ArenaHandle; readonly at: number };

function deliveries(handle: StateMachineHandle, endpoint: string): (operations: number) => number {
  const machine = StateMachine.attach(handle);
  const index = machine.endpoint(endpoint);
  return (operations) => {
    const admission = machine.tryAcquire(index);
    let successful = 0;
    for (let operation = 0; operation < operations; operation++)
      if (machine.recordDelivery(index, true, admission) === Recorded.Counted) successful++;
    return successful;
  };
}

/** Records deliveries, or counts a bare word up: by a loop in Wasm, or by BigInt in JS. */
export function createContender(work: Work): (operations: number) => number {
  if (work.kind === 'deliver') return deliveries(work.handle, work.endpoint);
  const { kernel, words, at } = new BareWord(Arena.attach(work.handle), work.at);
  return work.kind === 'wasm'
    ? (operations) => kernel.addByCas(at, operations)
    : (operations) => bigintCas(words, at >> 3, operations);
}
