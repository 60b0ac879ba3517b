// Turns of an event loop, for whoever wants to know whether there was one since.

/** One turn, as far as `setImmediate` tells: it ends when that calls back. */
export interface Turn {
  /** When it ended, by `performance.now()`; -1: it has not. */
  endedMs: number;
}

/** Of one thread. Nothing is asked of the loop while nobody asks for the turn, so a loop that waits goes on waiting. */
export class LoopTurns {
  #turn: Turn | undefined = undefined;

  /** The turn that is on. Once it was asked for, it ends by itself. */
  current(): Turn {
    if (this.#turn !== undefined) return this.#turn;
    const turn = { endedMs: -1 };
    this.#turn = turn;
    // Keeps the loop awake for this one turn: else it would end only when the loop has something else to do.
    setImmediate(() => {
      turn.endedMs = performance.now();
      this.#turn = undefined;
    });
    return turn;
  }
}

/** After so many turns. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
