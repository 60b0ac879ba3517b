// What the classes of an event buffer need of an implementation. Addresses are bytes; `buffer` is that of the root, `seat` that of a
// seat. The outcomes are those of layout.ts.
import type { Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { machineRoot, STANDARD, standardCell } from './layout.ts';
import { THIS_THREAD } from './this-thread.ts';

export interface EventKernel extends Pick<
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
> {
  /** Before anything else is done for a thread that has ended: what it held besides its seats. */
  readonly recoverEvents: (buffer: number, dead: number) => void;
}

/** @param machineAt address of the machine whose endpoints are asked: the buffer is of its implementation */
export function eventKernelFor(arena: Arena, machineAt: number): EventKernel {
  // Of its own: it counts for this machine.
  const kernel = arena.ownKernel<KernelExports>({ base64: kernelBase64 });
  const isStandard = arena.i32[(machineAt >> 2) + machineRoot.word.implementation] === STANDARD;
  if (isStandard) return standardEventKernel(arena, kernel, machineAt);
  kernel.countCasesFor(machineAt);
  return { ...kernel, recoverEvents: () => undefined }; // nothing: no word of it is ever anybody's
}

function standardEventKernel(arena: Arena, kernel: KernelExports, machineAt: number): EventKernel {
  kernel.standardBind(THIS_THREAD);
  return {
    initializeEvents: kernel.standardInitializeEvents,
    claimEvents: kernel.claimStandardEvents,
    publishEvents: kernel.standardPublishEvents,
    refused: kernel.refused,
    takeEvents: kernel.takeStandardEvents,
    releaseEvents: kernel.standardReleaseEvents,
    passSeat: kernel.passSeat,
    freeSeat: kernel.freeSeat,
    seatOwner: kernel.seatOwner,
    abandonClaim: kernel.standardAbandonClaim,
    dropTaken: kernel.standardDropTaken,
    sleepAtEvents: kernel.sleepAtEvents,
    wakeAtEvents: kernel.wakeAtEvents,
    forgetSleeper: kernel.forgetSleeper,
    observeHead: kernel.standardObserveHead,
    observeTail: kernel.standardObserveTail,
    publishCases: kernel.publishCases,
    low: kernel.low,
    high: kernel.high,
    recoverEvents(buffer, dead) {
      // It may have asked an endpoint, within the mutex of the buffer.
      const { endpoints, cells } = machineRoot.word;
      const [count, first] = [endpoints, cells].map((word) => arena.i32[(machineAt >> 2) + word] as number);
      for (let index = 0; index < (count as number); index++)
        kernel.standardRecover((first as number) + index * standardCell.bytes, dead);
      kernel.standardRecoverEvents(buffer, dead);
    },
  };
}
