// Words of the shared memory that tests and tasks step each other with.

export const ARRIVED = 0;
export const GATE = 1;
export const STAMPS = 2;
/** From here on: counts of tests. */
export const COUNTS = 8;

export class Words {
  readonly view: Int32Array<SharedArrayBuffer>;

  constructor(counts = 0) {
    this.view = new Int32Array(new SharedArrayBuffer(4 * (COUNTS + counts)));
  }

  /** Settles when `count` tasks have said that they started. */
  async arrived(count: number): Promise<void> {
    for (;;) {
      const seen = Atomics.load(this.view, ARRIVED);
      if (seen >= count) return;
      const { async, value } = Atomics.waitAsync(this.view, ARRIVED, seen, 20_000);
      if (async && (await value) === 'timed-out') throw new Error(`${seen} of ${count} arrived`);
    }
  }

  open(): void {
    Atomics.store(this.view, GATE, 1);
    Atomics.notify(this.view, GATE);
  }
}
