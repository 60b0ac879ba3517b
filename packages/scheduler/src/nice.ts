// How much a worker makes way for others. On Linux niceness is a thread's; elsewhere it is the process', which is not for a worker to change.

/** Adds to the niceness of the calling thread. @returns why it could not be, or undefined */
export function addNice(increment: number): string | undefined {
  const refusal = `niceIncrement ${increment} is not available`;
  if (process.platform !== 'linux')
    return `${refusal}: threads have no niceness of their own on ${process.platform}`;
  // Not imported: `node:fs` costs every thread 3 ms at its start, asked for or not.
  const { readlinkSync } = process.getBuiltinModule('node:fs');
  const { constants, getPriority, setPriority } = process.getBuiltinModule('node:os');
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority(thread) + increment));
    return undefined;
  } catch (error) {
    return `${refusal}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
