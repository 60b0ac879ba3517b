// Snapshots as JSON for whoever asks: taken after they ask, and not too often, however many ask.
import type { Clock } from '../ports.ts';
import type { RegistrySnapshot } from '../snapshot.ts';

/** What is served: a `RegistryReader` or a `Registry` is one. */
export interface SnapshotSource {
  read(): RegistrySnapshot | Promise<RegistrySnapshot>;
}

export class SnapshotFeed {
  readonly #source: SnapshotSource;
  readonly #minIntervalMs: number;
  readonly #clock: Clock;
  #lastMs = -Infinity;
  /** What those get who asked since the last snapshot was begun. */
  #next: Promise<string> | undefined;

  constructor(source: SnapshotSource, minIntervalMs: number, clock: Clock) {
    this.#source = source;
    this.#minIntervalMs = minIntervalMs;
    this.#clock = clock;
  }

  /** One that is begun after this call, shared with all who ask until then. Fails as the source does. */
  next(): Promise<string> {
    this.#next ??= this.#take();
    return this.#next;
  }

  async #take(): Promise<string> {
    const waitMs = this.#lastMs + this.#minIntervalMs - this.#clock.now();
    await new Promise<void>((resolve) => {
      if (waitMs > 0) setTimeout(resolve, Math.ceil(waitMs)).unref();
      else setImmediate(resolve);
    });
    this.#lastMs = this.#clock.now();
    this.#next = undefined;
    return JSON.stringify(await this.#source.read());
  }
}
