// Snapshots of a registry on a channel of node:diagnostics_channel, while somebody listens.
import { channel as channelOf, type Channel } from 'node:diagnostics_channel';
import { ArgumentRangeError } from '../errors.ts';
import { metricFilter, type MetricFilter } from '../exposition.ts';
import { checkOptionNames } from '../option-names.ts';
import type { RegistrySnapshot } from '../snapshot.ts';
import { nodeTimers, type Timers } from '../sources/ports.ts';
import { diffSnapshots, type SnapshotDiff } from './diff.ts';

/** What subscribers get. */
export interface SnapshotMessage {
  readonly snapshot: RegistrySnapshot;
  /** Since the message before; null in the first one after a time without subscribers. */
  readonly diff: SnapshotDiff | null;
}

/** A `RegistryReader` is one: `registry.reader`. */
export interface PublishedReader {
  snapshot(options: {
    readonly names?: MetricFilter | undefined;
    readonly signal: AbortSignal;
  }): Promise<RegistrySnapshot>;
}

export interface PublishOptions {
  /** Milliseconds from one message to the next; 1000 by default, 1 at least. */
  readonly intervalMs?: number | undefined;
  /** Only these metrics. */
  readonly names?: MetricFilter | undefined;
  /** Ends it, as disposing does. */
  readonly signal?: AbortSignal | undefined;
  /** Gets what went wrong in place of a message; `process.emitWarning` by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** `setInterval`, unreferenced, by default. */
  readonly timers?: Timers | undefined;
}

export interface SnapshotPublisher extends Disposable {
  readonly channelName: string | symbol;
  /** Messages so far. */
  readonly published: number;
}

const MAX_INTERVAL_MS = 2 ** 31 - 1;
const KNOWN: readonly (keyof PublishOptions)[] = ['intervalMs', 'names', 'signal', 'onError', 'timers'];

/**
 * Publishes a `SnapshotMessage` on the channel every `intervalMs`, read in slices. While nobody is subscribed nothing is read; a tick
 * that comes while a snapshot is still being read is left out. Keeps no process alive. What a subscriber throws becomes an uncaught
 * exception, as of all diagnostics channels, and stops nothing here.
 * @throws ArgumentRangeError, the signal's reason where it is aborted already
 */
export function publishTo(
  channelName: string | symbol,
  reader: PublishedReader,
  options: PublishOptions = {},
): SnapshotPublisher {
  checkOptionNames(options, KNOWN);
  const { intervalMs = 1000, timers = nodeTimers, signal } = options;
  if (!(intervalMs >= 1 && intervalMs <= MAX_INTERVAL_MS))
    throw new ArgumentRangeError('intervalMs', intervalMs, `1 to ${MAX_INTERVAL_MS}`);
  signal?.throwIfAborted();
  const publisher = new Publisher(channelName, reader, options);
  publisher.begin(timers, intervalMs, signal);
  return publisher;
}

class Publisher implements SnapshotPublisher {
  readonly channelName: string | symbol;
  readonly #channel: Channel;
  readonly #reader: PublishedReader;
  readonly #names: (name: string) => boolean;
  readonly #onError: (error: unknown) => void;
  readonly #ended = new AbortController();
  #previous: RegistrySnapshot | undefined;
  #isReading = false;
  #published = 0;

  constructor(channelName: string | symbol, reader: PublishedReader, options: PublishOptions) {
    this.channelName = channelName;
    this.#channel = channelOf(channelName);
    this.#reader = reader;
    this.#names = metricFilter(options.names);
    this.#onError = options.onError ?? warn;
  }

  get published(): number {
    return this.#published;
  }

  begin(timers: Timers, intervalMs: number, signal: AbortSignal | undefined): void {
    const stop = timers.every(intervalMs, () => void this.#tick());
    this.#ended.signal.addEventListener('abort', stop);
    // The listener goes with the publisher, too: a signal may live much longer.
    signal?.addEventListener('abort', () => this[Symbol.dispose](), { signal: this.#ended.signal });
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#previous = undefined;
  }

  async #tick(): Promise<void> {
    if (!this.#channel.hasSubscribers) {
      this.#previous = undefined;
      return;
    }
    if (this.#isReading) return;
    this.#isReading = true;
    const { signal } = this.#ended;
    try {
      const snapshot = await this.#reader.snapshot({ names: this.#names, signal });
      if (signal.aborted || !this.#channel.hasSubscribers) return;
      const diff = this.#previous === undefined ? null : diffSnapshots(this.#previous, snapshot);
      this.#previous = snapshot;
      this.#published++;
      this.#channel.publish({ snapshot, diff } satisfies SnapshotMessage);
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
    } finally {
      this.#isReading = false;
    }
  }

  /** A callback that throws must not end the process by a rejection that nobody sees. */
  #tell(error: unknown): void {
    try {
      this.#onError(error);
    } catch (thrown) {
      warn(thrown);
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
