import { randomBytes } from 'node:crypto';

/** Delivery ids in the form that GitHub gives them: unique in this run by their last part, between runs by the rest. */
export class DeliveryIds {
  readonly #prefix: string;
  #next = 0;

  constructor() {
    const hex = randomBytes(10).toString('hex');
    this.#prefix = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)].join('-');
  }

  next(): string {
    return `${this.#prefix}-${(this.#next++).toString(16).padStart(12, '0')}`;
  }
}
