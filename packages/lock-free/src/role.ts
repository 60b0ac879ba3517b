// A role that one object at a time may have: the kernel's word, and what JavaScript does with it.
import type { KernelExports } from './kernel.generated.ts';
import { RoleReleasedError, RoleTakenError } from './ring-errors.ts';
import { THIS_THREAD } from './this-thread.ts';

export class Role {
  readonly #kernel: KernelExports;
  readonly #name: string;
  readonly #at: number;
  #held = true;

  /**
   * @param at byte address of the role's word
   * @throws RoleTakenError
   */
  constructor(kernel: KernelExports, name: string, at: number) {
    this.#kernel = kernel;
    this.#name = name;
    this.#at = at;
    const holder = kernel.claimRole(at, THIS_THREAD);
    if (holder !== 0) throw new RoleTakenError(name, holder - 1);
  }

  /** @throws RoleReleasedError */
  check(): void {
    if (!this.#held) throw new RoleReleasedError(this.#name);
  }

  get held(): boolean {
    return this.#held;
  }

  /** A second time: does nothing. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#kernel.releaseRole(this.#at, THIS_THREAD);
  }
}
