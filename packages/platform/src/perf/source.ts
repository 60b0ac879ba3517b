/** Where counts come from, and where a reading puts them. */

export type PerfTier =
  /** From the processor, without a system call. */
  | 'rdpmc'
  /** From the processor, by one read(2) for a group. */
  | 'group'
  /** Counted by the kernel's perf events. */
  | 'software'
  /** From what the kernel keeps of every thread and process anyway: getrusage, CPU clocks, /proc. */
  | 'procfs';

/** Columns, one place an event. Filled in place: a reading allocates nothing. */
export interface PerfColumns {
  /** NaN: not known. */
  readonly values: Float64Array;
  readonly tiers: (PerfTier | null)[];
  readonly scaled: Uint8Array;
  /** What was wrong at this reading. */
  readonly problems: (string | null)[];
}

export interface PerfSource {
  /** Writes the places of the events that come from here, all of them, at each call. */
  sample(into: PerfColumns): void;
  close(): void;
}

export type PerfTarget = 'thread' | 'process' | { readonly tid: number };

/** What became of opening: a source for some of the events, and for each event how it is counted or why it is not. */
export interface PerfSourceOpened {
  readonly source: PerfSource | null;
  /** Of the events that the source has, by place. */
  readonly notes: Map<number, string>;
  /** Of the others. */
  readonly failures: Map<number, string>;
}
