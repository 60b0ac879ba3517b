/** Counters of the processor and the kernel, for a thread or the process: what there is of them, with the way each is counted. */
import { refused, unsupported, verified, type Answer } from '../answer.ts';
import { PlatformDisposedError, PlatformOptionError } from '../errors.ts';
import { openCounters } from './counters.ts';
import type { PerfEventInfo, PerfEventName } from './event-table.ts';
import { thisPerfMachine, type PerfMachine } from './machine.ts';
import { perfRequest, type PerfEventsOptions, type PerfRequest } from './options.ts';
import { openProcfs } from './procfs.ts';
import type { PerfColumns, PerfSource, PerfSourceOpened, PerfTarget, PerfTier } from './source.ts';

const ESRCH = 3;

/** One event at one reading. Plain data. */
export interface PerfCount {
  /** Since opening; `taskClock` in nanoseconds. `null`: not known, see `reason`. Never goes back. */
  readonly value: number | null;
  /** How this value was had. `null`: there is no way. */
  readonly tier: PerfTier | null;
  /** The processor counted only part of the time, and `value` is an estimate: counted × time enabled / time running. */
  readonly scaled: boolean;
  /** How it is counted and why not better, or why there is no value. */
  readonly reason: string;
}

/** A count for each event that was asked for. Plain data. */
export type PerfReading<E extends PerfEventName = PerfEventName> = Readonly<Record<E, PerfCount>>;

/** Closes what was dropped without being closed. Node runs it some time after collecting, or never. */
const dropped = new FinalizationRegistry<readonly PerfSource[]>((sources) => {
  for (const source of sources) source.close();
});

export class PerfEvents<E extends PerfEventName = PerfEventName> {
  /** What is counted, in the order of `readInto`. */
  readonly events: readonly E[];
  /** The best tier that each event was opened with. A reading tells the one that it used. */
  readonly tiers: Readonly<Record<E, PerfTier | null>>;
  readonly #sources: readonly PerfSource[];
  readonly #columns: PerfColumns;
  readonly #reasons: readonly string[];
  /** What was told last: estimates may go back, counts may not. */
  readonly #highest: Float64Array;
  #closed = false;

  /**
   * Starts counting. Always `verified` for the calling thread and the process, whatever the machine lacks: each event tells its tier.
   * `refused` (ESRCH) for a thread that is not one of this process, or is no more; `unsupported` for another thread off Linux.
   * @param machine this one, unless another stands in
   * @throws PlatformOptionError
   */
  static open<const N extends PerfEventName = PerfEventName>(
    options: PerfEventsOptions<N> = {},
    machine: PerfMachine = thisPerfMachine(),
  ): Answer<PerfEvents<N>> {
    const request = perfRequest(options);
    const found = resolveTarget(machine, request.target);
    if (found.status !== 'verified') return found;
    const { sources, reasons } = openSources(machine, { ...request, target: found.value });
    const names = request.events.map(({ name }) => name) as N[];
    const events = new PerfEvents<N>(names, sources, reasons);
    // Its id may have gone to a thread of somebody else while its events were opened.
    const still = resolveTarget(machine, found.value);
    if (still.status === 'verified') return verified(events);
    events.close();
    return still;
  }

  /** Takes sources that are open: use `open`. */
  constructor(events: readonly E[], sources: readonly PerfSource[], reasons: readonly string[]) {
    const count = events.length;
    this.events = events;
    this.#sources = sources;
    this.#reasons = reasons;
    this.#highest = new Float64Array(count);
    this.#columns = {
      values: new Float64Array(count).fill(Number.NaN),
      tiers: events.map(() => null),
      scaled: new Uint8Array(count),
      problems: events.map(() => null),
    };
    this.#sample();
    const { tiers } = this.#columns;
    this.tiers = Object.fromEntries(events.map((name, i) => [name, tiers[i] ?? null])) as Record<
      E,
      PerfTier | null
    >;
    dropped.register(this, sources, this);
  }

  /**
   * What was counted since opening. For one moment per group of the processor's counters, not one moment for all.
   * @throws PlatformDisposedError
   */
  read(): PerfReading<E> {
    this.#sample();
    const { values, tiers, scaled, problems } = this.#columns;
    const counts = this.events.map((name, i): [E, PerfCount] => {
      const value = values[i] ?? Number.NaN;
      return [
        name,
        {
          value: Number.isNaN(value) ? null : value,
          tier: tiers[i] ?? null,
          scaled: scaled[i] === 1,
          reason: problems[i] ?? this.#reasons[i] ?? '',
        },
      ];
    });
    return Object.fromEntries(counts) as Record<E, PerfCount>;
  }

  /**
   * The same values in the order of `events`, NaN for `null`. With the addon it allocates nothing; without, Node makes an object to tell
   * the CPU time of a thread, and whatever it tells of the process.
   * @param values at least as long as `events`
   * @throws PlatformDisposedError, PlatformOptionError
   */
  readInto(values: Float64Array): void {
    if (!(values instanceof Float64Array) || values.length < this.events.length)
      throw new PlatformOptionError(
        'values',
        `found ${values instanceof Float64Array ? values.length : typeof values}, expected a Float64Array of at least ${this.events.length}`,
      );
    this.#sample();
    for (let i = 0; i < this.events.length; i++) values[i] = this.#columns.values[i] ?? Number.NaN;
  }

  /** Stops counting and gives the descriptors back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    dropped.unregister(this);
    for (const source of this.#sources) source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sample(): void {
    if (this.#closed) throw new PlatformDisposedError('PerfEvents');
    for (const source of this.#sources) source.sample(this.#columns);
    const { values } = this.#columns;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? Number.NaN;
      const highest = this.#highest[i] ?? 0;
      if (value >= highest) this.#highest[i] = value;
      else if (value < highest) values[i] = highest;
    }
  }
}

/** The calling thread by its id is the calling thread. */
function resolveTarget(machine: PerfMachine, target: PerfTarget): Answer<PerfTarget> {
  if (typeof target === 'string') return verified(target);
  const { tid } = target;
  if (tid === machine.ownTid) return verified('thread');
  const threads = machine.platform === 'linux' ? machine.threadIds() : undefined;
  if (threads === undefined)
    return unsupported(
      `counting thread ${tid} takes /proc/self/task, which ${machine.platform} ${machine.platform === 'linux' ? 'does not show here' : 'does not have'}; each thread can count itself`,
    );
  if (threads.includes(tid)) return verified(target);
  return refused(
    `PerfEvents.open({ target: { tid: ${tid} } })`,
    -ESRCH,
    `/proc/self/task has ${threads.length} threads, and not that one; it needs a thread of this process that runs`,
  );
}

/** From the best tier down: what one cannot count, the next may. */
function openSources(
  machine: PerfMachine,
  { events, target, excludeKernel }: PerfRequest,
): { sources: PerfSource[]; reasons: string[] } {
  const all = events.map((_, place) => place);
  const linux = machine.platform === 'linux';
  const counters = linux
    ? (['hardware', 'software'] as const).map((type) =>
        openCounters(machine, events, all, type, target, excludeKernel),
      )
    : [];
  const counted = new Set(counters.flatMap(({ notes }) => [...notes.keys()]));
  const left = all.filter((place) => !counted.has(place));
  const procfs = openProcfs(machine, events, left, target);
  return {
    sources: [...counters, procfs].map(({ source }) => source).filter((source) => source !== null),
    reasons: events.map((event, place) => reasonOf(event, place, counters, procfs, excludeKernel)),
  };
}

function reasonOf(
  event: PerfEventInfo,
  place: number,
  counters: readonly PerfSourceOpened[],
  procfs: PerfSourceOpened,
  excludeKernel: boolean | undefined,
): string {
  const note = counters.map(({ notes }) => notes.get(place)).find((text) => text !== undefined);
  if (note !== undefined) return note;
  const refusal = counters.map(({ failures }) => failures.get(place)).find((text) => text !== undefined);
  const below = procfs.notes.get(place);
  const kernel = below !== undefined && excludeKernel === true ? 'the kernel’s share is in it' : undefined;
  const parts = below === undefined ? [refusal, procfs.failures.get(place)] : [below, kernel, refusal];
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? `${event.name} is not counted` : said.join('; ');
}
