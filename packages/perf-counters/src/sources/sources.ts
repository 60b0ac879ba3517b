// The sources of one thread: read at intervals, recorded in this thread's writer, until disposed.
import { ArgumentRangeError, RegistryDisposedError } from '../errors.ts';
import type { Gauge } from '../gauge.ts';
import { checkOptionNames, checkSignal } from '../option-names.ts';
import type { Registry } from '../registry.ts';
import { ProcessClaimedError, SourceRunningError, SourcesDisposedError } from './errors.ts';
import { checkOptions, type CheckedOptions, type SourcesOptions } from './options.ts';
import { ProcessClaim } from './process-claim.ts';
import { RunningSource } from './running-source.ts';
import type { Source, SourceCapability, SourceCost } from './source.ts';
import { SourceMetrics } from './source-metrics.ts';

/** Which sources run with which registry: a registry is one thread's. */
const running = new WeakMap<Registry, Set<string>>();

const isSlow = ({ source }: RunningSource): boolean => source.isSlow ?? false;
const isQuick = (each: RunningSource): boolean => !isSlow(each);

/** What `startSources` and `collectDefaults` return. */
export class Sources {
  readonly #options: CheckedOptions;
  /** Whether the registry is. */
  readonly #isEnabled: boolean;
  readonly #claim: ProcessClaim;
  readonly #ofThread: readonly RunningSource[];
  readonly #ofProcess: readonly RunningSource[];
  readonly #own: SourceMetrics;
  /** Undefined where nothing is read at intervals: who asks knows when, and a thread that nobody asks is not behind. */
  readonly #sampledAt: Gauge | undefined;
  readonly #names: Set<string>;
  readonly #keys: readonly string[];
  readonly #stops: (() => void)[] = [];
  #disposed = false;

  /** Made by `startSources`. @internal */
  constructor(registry: Registry, sources: readonly Source[], options: CheckedOptions) {
    const { prefix, labels } = options;
    const newMetrics = (): SourceMetrics => new SourceMetrics(registry, prefix, labels);
    const run = (source: Source): RunningSource => new RunningSource(source, newMetrics, options);
    this.#options = options;
    this.#isEnabled = registry.enabled;
    this.#names = running.get(registry) ?? new Set();
    this.#keys = this.#reserve(sources);
    running.set(registry, this.#names);
    this.#ofThread = sources.filter(({ scope }) => scope === 'thread').map(run);
    this.#ofProcess = sources.filter(({ scope }) => scope === 'process').map(run);
    this.#own = newMetrics();
    this.#claim = new ProcessClaim(registry);
    try {
      if (options.intervalMs !== Infinity)
        this.#sampledAt = this.#own.gauge({
          name: 'corelane_sources_sampled_timestamp_seconds',
          help: 'When sources were read last, in seconds since 1970: of the thread that is furthest behind.',
          unit: 'seconds',
          aggregator: 'min',
        })();
      this.#start();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #reserve(sources: readonly Source[]): string[] {
    const { prefix, labels } = this.#options;
    const with_ = JSON.stringify(labels);
    const keys = sources.map(({ name }) => JSON.stringify([name, prefix, with_]));
    keys.forEach((key, i) => {
      if (this.#names.has(key) || keys.indexOf(key) !== i)
        throw new SourceRunningError((sources[i] as Source).name, prefix, with_);
    });
    for (const key of keys) this.#names.add(key);
    return keys;
  }

  #start(): void {
    // Nothing is read where nothing is recorded.
    if (!this.#isEnabled) return;
    const { intervalMs, slowIntervalMs, processWide, signal, timers } = this.#options;
    if (processWide === true) this.#mustTakeOver();
    for (const each of this.#ofThread) each.open();
    if (this.#mayTakeOver()) for (const each of this.#ofProcess) each.open();
    if (signal !== undefined) {
      const abort = (): void => this[Symbol.dispose]();
      signal.addEventListener('abort', abort, { once: true });
      this.#stops.push(() => signal.removeEventListener('abort', abort));
    }
    void this.#read(() => true);
    // What was read just now is how a thread begins, before it listens, connects and opens files: slow ones are read once more soon.
    let isYoung = slowIntervalMs > intervalMs && slowIntervalMs !== Infinity;
    const tick = (): void => {
      const isMeant = isYoung ? () => true : isQuick;
      isYoung = false;
      this.#tick(isMeant);
    };
    if (intervalMs !== Infinity) this.#stops.push(timers.every(intervalMs, tick));
    if (slowIntervalMs !== Infinity) this.#stops.push(timers.every(slowIntervalMs, () => this.#tick(isSlow)));
  }

  #mustTakeOver(): void {
    while (!this.#claim.take()) {
      // None where it was released meanwhile.
      const holder = this.#claim.holder();
      if (holder !== undefined) throw new ProcessClaimedError(holder.writer, holder.threadId);
    }
  }

  /** Whether the figures of the process are published here from now on. */
  #mayTakeOver(): boolean {
    return this.#options.processWide !== false && this.#ofProcess.length > 0 && this.#claim.take();
  }

  #tick(isMeant: (each: RunningSource) => boolean): void {
    try {
      void this.#read(isMeant);
    } catch (error) {
      // Somebody has disposed the registry: there is nothing to record in.
      if (!(error instanceof RegistryDisposedError)) throw error;
      this[Symbol.dispose]();
    }
  }

  /**
   * Reads all sources now, slow ones too: for an answer to a scrape by this thread. One that is being read just now is waited for, and
   * none for longer than `timeoutMs`.
   * @param options signal: ends the waiting, with its reason; what is being read goes on
   * @returns when all is recorded, nearly all of it is when this returns; also where it is disposed meanwhile
   * @throws SourcesDisposedError, RegistryDisposedError, the reason of the signal, ArgumentRangeError
   */
  async sample(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkOptionNames(options, ['signal']);
    const { signal } = options;
    checkSignal(signal);
    signal?.throwIfAborted();
    if (this.#disposed) throw new SourcesDisposedError();
    if (!this.#isEnabled) return;
    const all = this.#read(() => true);
    await (signal === undefined ? all : unlessAborted(all, signal));
  }

  #read(isMeant: (each: RunningSource) => boolean): Promise<unknown> {
    if (this.#mayTakeOver()) for (const each of this.#ofProcess) each.tryOpen();
    const pending: Promise<void>[] = [];
    for (const each of this.#all()) if (isMeant(each)) pending.push(each.sample());
    // A source may dispose of all in the middle of it.
    if (!this.#disposed) this.#sampledAt?.set(Date.now() / 1000);
    return Promise.all(pending);
  }

  /** What is read here, what is not, and why. */
  capabilities(): SourceCapability[] {
    const otherwise = this.#otherwise();
    return this.#all().map((each) => each.capability(otherwise));
  }

  #otherwise(): Pick<SourceCapability, 'status' | 'reason'> {
    if (this.#disposed) return { status: 'absent', reason: 'the sources are disposed' };
    if (!this.#isEnabled) return { status: 'absent', reason: 'the registry is disabled' };
    if (this.#options.processWide === false) return { status: 'elsewhere', reason: 'processWide is false' };
    const holder = this.#claim.holder();
    const reason =
      holder === undefined
        ? 'nobody publishes the figures of the process: these will from their next sample on'
        : `writer ${holder.writer} on thread ${holder.threadId} publishes the figures of the process`;
    return { status: 'elsewhere', reason };
  }

  /** What reading has cost this thread so far. */
  costs(): SourceCost[] {
    return this.#all().map((each) => each.cost());
  }

  /** Nothing is read any more, observers and timers are gone, gauges are cleared; counts stay. @throws what the `close` of a source throws, after all else is done */
  [Symbol.dispose](): void {
    const [first] = this.#end();
    if (first !== undefined) throw first.error;
  }

  /** @returns what sources have thrown */
  #end(): readonly { readonly error: unknown }[] {
    if (this.#disposed) return [];
    this.#disposed = true;
    const thrown: { readonly error: unknown }[] = [];
    const ends = [...this.#stops, ...this.#all().map((each) => () => each.close())];
    for (const end of ends)
      try {
        end();
      } catch (error) {
        thrown.push({ error });
      }
    this.#own.clearGauges();
    this.#claim.release();
    for (const key of this.#keys) this.#names.delete(key);
    return thrown;
  }

  #all(): readonly RunningSource[] {
    return [...this.#ofThread, ...this.#ofProcess];
  }
}

async function unlessAborted(all: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    await Promise.race([all, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Reads these sources at intervals, and records what they tell in this thread's writer.
 * @throws ArgumentRangeError, SourceRunningError, ProcessClaimedError, what the registry says of the metrics, the reason of a signal
 *   that is aborted already
 */
export function startSources(
  registry: Registry,
  sources: readonly Source[],
  options: SourcesOptions = {},
): Sources {
  const checked = checkOptions(options);
  if (!Array.isArray(sources)) throw new ArgumentRangeError('sources', sources, 'an array of sources');
  for (const [i, source] of sources.entries()) {
    if (typeof source !== 'object' || source === null)
      throw new ArgumentRangeError(`sources[${i}]`, source, 'a source: name, scope, open()');
    const { name, scope } = source as Source;
    if (
      typeof name !== 'string' ||
      !['thread', 'process'].includes(scope) ||
      typeof source.open !== 'function'
    )
      throw new ArgumentRangeError(
        `sources[${i}]`,
        name,
        "a source: name, scope 'thread' or 'process', open()",
      );
  }
  return startChecked(registry, sources, checked);
}

/** @internal */
export function startChecked(
  registry: Registry,
  sources: readonly Source[],
  options: CheckedOptions,
): Sources {
  options.signal?.throwIfAborted();
  if (registry.enabled) return new Sources(registry, sources, options);
  // Nothing is recorded: nothing is read, and there is nothing to claim.
  const none = { intervalMs: Infinity, slowIntervalMs: Infinity, processWide: false } as const;
  return new Sources(registry, [], { ...options, ...none });
}
