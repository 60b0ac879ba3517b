// What the classes of an event buffer need of an implementation. Addresses are bytes; `buffer` is that of the root, `seat` that of a
// seat. The outcomes are those of layout.ts.
import type { Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';

export type EventKernel = Pick<
  KernelExports,
  | 'initializeEvents'
  | 'claimEvents'
  | 'publishEvents'
  | 'refused'
  | 'takeEvents'
  | 'releaseEvents'
  | 'passSeat'
  | 'freeSeat'
  | 'seatOwner'
  | 'abandonClaim'
  | 'dropTaken'
  | 'sleepAtEvents'
  | 'wakeAtEvents'
  | 'forgetSleeper'
  | 'observeHead'
  | 'observeTail'
  | 'publishCases'
  | 'low'
  | 'high'
>;

/** @param machineAt address of the machine whose counts of CASes those of admissions go to */
export function atomicEventKernel(arena: Arena, machineAt: number): EventKernel {
  // Of its own: it counts for this machine.
  const kernel = arena.ownKernel<KernelExports>({ base64: kernelBase64 });
  kernel.countCasesFor(machineAt);
  return kernel;
}
