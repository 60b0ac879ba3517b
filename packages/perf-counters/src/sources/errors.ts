import { PerfCountersError } from '../errors.ts';

/** Another thread, or other sources of this one, publish the figures of the process already. */
export class ProcessClaimedError extends PerfCountersError {
  override readonly name = 'ProcessClaimedError';
  readonly writer: number;

  constructor(writer: number, threadId: number) {
    super(
      'ERR_PROCESS_CLAIMED',
      `the figures of the process are published by writer ${writer} on thread ${threadId}, expected nobody`,
    );
    this.writer = writer;
  }
}

/** The same source runs on this thread already, with the same prefix and labels: what it counts would be counted twice. */
export class SourceRunningError extends PerfCountersError {
  override readonly name = 'SourceRunningError';
  readonly source: string;

  constructor(source: string, prefix: string, labels: string) {
    super(
      'ERR_SOURCE_RUNNING',
      `source ${source} runs on this thread already, with prefix '${prefix}' and labels ${labels}: dispose it first`,
    );
    this.source = source;
  }
}

/** A source has taken longer than it may. The signal of the sample is aborted with this. */
export class SourceTimeoutError extends PerfCountersError {
  override readonly name = 'SourceTimeoutError';
  readonly source: string;
  readonly timeoutMs: number;

  constructor(source: string, timeoutMs: number) {
    super('ERR_SOURCE_TIMEOUT', `source ${source} has not ended in ${timeoutMs} ms`);
    this.source = source;
    this.timeoutMs = timeoutMs;
  }
}

/** A sample that was given up still runs when the turn of its source comes again: the source is not read a second time. */
export class SourceStuckError extends PerfCountersError {
  override readonly name = 'SourceStuckError';
  readonly source: string;
  readonly runningMs: number;

  constructor(source: string, runningMs: number, timeoutMs: number) {
    const found = Math.round(runningMs);
    super(
      'ERR_SOURCE_STUCK',
      `source ${source} is still being read after ${found} ms, expected an end within ${timeoutMs} ms`,
    );
    this.source = source;
    this.runningMs = runningMs;
  }
}

/** The sources are disposed: nothing is read any more. */
export class SourcesDisposedError extends PerfCountersError {
  override readonly name = 'SourcesDisposedError';

  constructor() {
    super('ERR_SOURCES_DISPOSED', 'the sources are disposed: nothing is read any more');
  }
}
