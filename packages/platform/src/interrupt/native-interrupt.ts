/**
 * native/interrupt.c. `slot` and `generation` name a registration: ESRCH where it is over. Times are nanoseconds.
 * Where `into` is taken, it gets the state of the slot after the call: see STATE.
 */
export interface NativeInterrupt {
  /** Registers the calling thread, or counts one more registration of it: its slot; `into[0]` gets the generation. EPERM on the main thread. */
  parkRegister(into: Uint32Array): number;
  /** How often the calling thread is still registered. EPERM where the slot is another thread's. */
  parkClose(slot: number, generation: number): number;
  /** Asks V8 to interrupt. The number of this park. EBUSY where one is asked for or held, EDEADLK on the thread itself. */
  parkRequest(slot: number, generation: number, timeoutNs: number, requestNs: number): number;
  /** Asks the event loop of the thread as well, for a thread that runs no JavaScript. */
  parkWake(slot: number, generation: number): number;
  /** Blocks while that request is open, for `waitNs` at most. */
  parkAwait(slot: number, generation: number, park: number, waitNs: number, into: Float64Array): number;
  /** Ends that request if it is still open. */
  parkWithdraw(slot: number, generation: number, park: number, into: Float64Array): number;
  /** Ends that park (0: any), or the request for it. 1 where the thread stood still. */
  parkResume(slot: number, generation: number, park: number, into: Float64Array): number;
  parkState(slot: number, generation: number, into: Float64Array): number;
}

/** What a slot is doing, as in native/interrupt.c. */
export const PHASES = ['running', 'requested', 'parked'] as const;

/** How the last park ended. `null`: it has not, or there was none. */
export const ENDINGS = [null, 'resumed', 'timed-out', 'stopping', 'withdrawn', 'expired'] as const;

/** Places in the `into` of the functions above. */
export const STATE = {
  phase: 0,
  /** Number of the park or request, or of the last one. */
  park: 1,
  ended: 2,
  /** From the request until the thread stood still. */
  latencyNs: 3,
  /** How long it has stood, or stood the last time. */
  parkedNs: 4,
  /** Until the time-out. */
  leftNs: 5,
  length: 6,
} as const;
