// In a worker: its tasks that wait for something, and who is to know when one of them has ended.

export class Flights {
  /** Tasks that have begun and wait for a promise. */
  count = 0;
  /** After one has ended. */
  readonly landed: () => void;

  constructor(landed: () => void) {
    this.landed = landed;
  }
}
