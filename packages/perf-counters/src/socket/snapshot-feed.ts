// Snapshots as JSON for whoever asks: taken after they ask, and not too often, however many ask.
import type { Clock } from '../ports.ts';
import { inSlices } from '../slices.ts';
import type { RegistrySnapshot } from '../snapshot.ts';

/** What is served: a `RegistryReader` is one, and a `Registry`, which reads everything at once. */
export interface SnapshotSource {
  read(): RegistrySnapshot;
  /** Is asked where it is there: in slices, between which the event loop turns. */
  snapshot?(): Promise<RegistrySnapshot>;
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
    return jsonOf((await this.#source.snapshot?.()) ?? this.#source.read());
  }
}

/** As `JSON.stringify`, in slices. */
async function jsonOf(snapshot: RegistrySnapshot): Promise<string> {
  const { metrics, ...head } = snapshot;
  const texts: string[] = [JSON.stringify(head).slice(0, -1)];
  for await (const slice of inSlices(metricTexts(metrics))) texts.push(...slice);
  return `${texts.join('')}}`;
}

function* metricTexts(metrics: RegistrySnapshot['metrics']): Generator<string, void, void> {
  yield ',"metrics":[';
  for (const [i, { series, ...head }] of metrics.entries()) {
    yield `${i === 0 ? '' : ','}${JSON.stringify(head).slice(0, -1)},"series":[`;
    for (const [j, each] of series.entries()) yield `${j === 0 ? '' : ','}${JSON.stringify(each)}`;
    yield ']}';
  }
  yield ']';
}
