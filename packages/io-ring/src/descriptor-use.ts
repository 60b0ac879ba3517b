import type { Use } from './operation.ts';

/**
 * Operations under way on one descriptor, from the call to the end of the promise: in line, in flight, or between two steps. Only when there are
 * none may its slot of the table of files and its number go to another file, which would get their bytes else.
 */
export class DescriptorUse implements Use {
  #count = 0;
  #idle: (() => void) | null = null;

  get busy(): boolean {
    return this.#count > 0;
  }

  enter(): void {
    this.#count++;
  }

  leave(): void {
    this.#count--;
    if (this.#count === 0) this.#idle?.();
  }

  /** Resolves when all that entered have left. */
  async idle(): Promise<void> {
    if (this.#count > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
  }
}
