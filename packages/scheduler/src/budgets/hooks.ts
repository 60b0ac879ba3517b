// Hooks around polls. Where none are set nothing is called: what is asked then is one field.

/** How a poll ended: the task returned, goes on later, or threw. */
export type PollResult = 'done' | 'pending' | 'failed';

/** Which task is polled. Its fields change with the next poll: whoever wants to keep something copies it. */
export interface PolledTask {
  readonly name: string;
  /** Index of the worker; -1 on a thread that is none. */
  readonly worker: number;
  /** TIER_ ... */
  readonly tier: number;
}

/** What is called, in the order of time, on the thread of the task. None may be asynchronous: a poll does not wait. */
export interface TaskHooks {
  /** Before each uninterrupted run of the task's code. */
  readonly beforePoll?: ((task: PolledTask) => void) | undefined;
  /**
   * After it. On a worker one look at the clock is for several polls that are short: each is told the mean of those before it, and the last one what they took beyond; so the sum is right, and a slow one is
   * told at most 31 short polls of its name late, however long that takes. The first poll after a rest, and all where they take a quarter of a millisecond or more, are told what they took.
   */
  readonly afterPoll?: ((result: PollResult, durationNs: number, task: PolledTask) => void) | undefined;
  /** The task makes way although it could go on: by itself, or for its tier. After `afterPoll`. */
  readonly onYield?: ((task: PolledTask) => void) | undefined;
  /** The task has returned or thrown. After `afterPoll`. */
  readonly onCompletion?: ((result: 'done' | 'failed', task: PolledTask) => void) | undefined;
}

/** Hooks as they are called: all of them are there, and none throws. */
export interface HooksInForce {
  beforePoll(task: PolledTask): void;
  afterPoll(result: PollResult, durationNs: number, task: PolledTask): void;
  onYield(task: PolledTask): void;
  onCompletion(result: 'done' | 'failed', task: PolledTask): void;
}
