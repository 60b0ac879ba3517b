/** The leases of a batch: lent when an operation is staged, taken back when the batch is over. Allocates nothing on the way. */
import { nextLoan, takeOne } from './loan.ts';
import type { LeasedBuffer } from './ports.ts';

export class BatchLoans {
  readonly #leases: (LeasedBuffer | null)[] = [];
  readonly #numbers: Int32Array;
  /** The first byte that is filled, or -1. */
  readonly #filledFrom: Int32Array;

  constructor(capacity: number) {
    this.#numbers = new Int32Array(capacity);
    this.#filledFrom = new Int32Array(capacity);
  }

  /** Throws what the lease throws. */
  lend(index: number, lease: LeasedBuffer, filledFrom: number): void {
    const number = nextLoan();
    lease.give(number);
    while (this.#leases.length <= index) this.#leases.push(null);
    this.#leases[index] = lease;
    this.#numbers[index] = number;
    this.#filledFrom[index] = filledFrom;
  }

  /**
   * Everything, whatever came of it.
   * @param results of the operations, where they ran
   * @returns what a lease threw, which somebody else has ended meanwhile
   */
  takeBack(results?: Int32Array): unknown {
    let problem: unknown;
    for (let index = 0; index < this.#leases.length; index++) {
      const lease = this.#leases[index];
      if (lease === null || lease === undefined) continue;
      const bytes = results?.[index] ?? -1;
      const from = this.#filledFrom[index] as number;
      const length = from >= 0 && bytes >= 0 ? from + bytes : -1;
      problem = takeOne(lease, this.#numbers[index] as number, length) ?? problem;
      this.#leases[index] = null;
    }
    return problem;
  }
}
