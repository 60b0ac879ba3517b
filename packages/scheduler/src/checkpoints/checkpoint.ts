// Checkpoints: places within code that runs on and on, at which whoever runs it may look in. `@corelane/scheduler-checkpoints` puts them into loops when code is built;
// `checkpoint()` is one by hand. `@corelane/scheduler/checkpoints` is this module: it imports nothing.
//
// A checkpoint counts down a number of its own module's, and calls `look` where that is below 0. A look costs a call and a clock; it says how many checkpoints the next one may
// be away, so that looks come about every half millisecond, whatever a turn of a loop takes.
//
// Code that was transformed finds `look` by a symbol of the process, not by an import: whatever is bundled, wherever node_modules lies, ESM or CommonJS, there is one of it on a
// thread. Rejected: an import (a package that was transformed can not resolve this one), a property of an imported object as counter (a third slower).

/** What is called at a look, on the stack of the code that has come to it. May throw: then that code does. @param nowMs by `performance.now()` */
export type CheckpointHandler = (nowMs: number) => void;

/** Of a thread. Code that was transformed calls `look`, whatever version of this package it meets: that must stay. */
interface CheckpointRuntime {
  /** @returns how many checkpoints the next look may be away */
  look(): number;
  handler: CheckpointHandler | undefined;
  /** Looks since the thread began. */
  looks: number;
}

const RUNTIME = Symbol.for('@corelane/scheduler/checkpoints');
/** Time between two looks that is aimed at, and checkpoints between them at most: where a turn of a loop gets a thousand times as long all at once, one look is late. Guessed. */
const LOOK_EVERY_MS = 0.5;
const MOST_CHECKPOINTS = 64;

function createRuntime(): CheckpointRuntime {
  let every = 1;
  let lookedMs = 0;
  return {
    handler: undefined,
    looks: 0,
    look() {
      this.looks++;
      const { handler } = this;
      if (handler === undefined) return MOST_CHECKPOINTS;
      const nowMs = performance.now();
      const tookMs = nowMs - lookedMs;
      lookedMs = nowMs;
      if (tookMs < LOOK_EVERY_MS) every = Math.min(2 * every, MOST_CHECKPOINTS);
      else every = Math.max(1, Math.floor((every * LOOK_EVERY_MS) / tookMs));
      handler(nowMs);
      return every;
    },
  };
}

const global = globalThis as { [RUNTIME]?: CheckpointRuntime };
// One for all copies of this module on the thread: worker.js has one, a bundle of tasks may have another.
const runtime: CheckpointRuntime = (global[RUNTIME] ??= createRuntime());

let left = 0;

/**
 * A point within a long loop at which the worker that runs it may look in. @throws TaskCancelledError in a worker of a scheduler where nobody waits for the task any more.
 * Elsewhere nothing happens but that it is counted.
 */
export function checkpoint(): void {
  if (--left < 0) left = runtime.look();
}

/**
 * Of who runs code on this thread: what is called at its checkpoints from now on, undefined for nothing.
 * @returns what was called until now, to be put back afterwards
 */
export function enterCheckpoints(handler: CheckpointHandler | undefined): CheckpointHandler | undefined {
  const before = runtime.handler;
  runtime.handler = handler;
  return before;
}

/**
 * Runs a function whose checkpoints do nothing: it is neither cancelled nor overtaken in the middle. Of one that is asynchronous that is so up to its first `await`; behind it
 * checkpoints do nothing anyway.
 * @returns what it returns
 */
export function uninterrupted<R>(run: () => R): R {
  const before = enterCheckpoints(undefined);
  try {
    return run();
  } finally {
    enterCheckpoints(before);
  }
}

/** Looks on this thread so far: one for up to 64 checkpoints. */
export function checkpointLooks(): number {
  return runtime.looks;
}
