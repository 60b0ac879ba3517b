// Handles that are collected without having been disposed: what they held is held for ever, unless it is released here.
import { ArgumentRangeError } from './errors.ts';
import { checkNames } from './options.ts';
import type { OpenRecorder } from './recorder.ts';
import type { Tracked } from './tracked.ts';

/** A handle that was lost. */
export interface MemoryLeak {
  readonly tag: string;
  readonly bytes: number;
  /** Where it was made, with `stacks`. */
  readonly stack?: string;
  /** Whether the bytes were deallocated. */
  readonly released: boolean;
}

export interface LeakOptions {
  /** Deallocates what a lost handle held; false by default: it stays held. */
  readonly release?: boolean;
  /** Keeps a stack for each handle, which costs microseconds; false by default. */
  readonly stacks?: boolean;
  /** Called for each lost handle, some time after its end; a warning of the process by default. */
  readonly onLeak?: (leak: MemoryLeak) => void;
}

const OPTIONS = ['release', 'stacks', 'onLeak'];

/** What a handle holds, apart from the handle. */
export interface WatchedBytes {
  recorder: OpenRecorder;
  bytes: number;
  readonly stack: string | undefined;
}

export class LeakWatch {
  readonly #release: boolean;
  readonly #stacks: boolean;
  readonly #onLeak: (leak: MemoryLeak) => void;
  readonly #registry = new FinalizationRegistry<WatchedBytes>((lost) => this.report(lost));

  /** @throws ArgumentRangeError */
  constructor(options: LeakOptions) {
    checkNames('leaks', options, OPTIONS);
    const { release = false, stacks = false, onLeak = warn } = options;
    if (typeof onLeak !== 'function') throw new ArgumentRangeError('leaks.onLeak', onLeak, 'a function');
    this.#release = release;
    this.#stacks = stacks;
    this.#onLeak = onLeak;
  }

  watch(tracked: Tracked, recorder: OpenRecorder, bytes: number): WatchedBytes {
    const stack = this.#stacks ? new Error('tracked').stack : undefined;
    const watched = { recorder, bytes, stack };
    this.#registry.register(tracked, watched, tracked);
    return watched;
  }

  forget(tracked: Tracked): void {
    this.#registry.unregister(tracked);
  }

  /** What the collector calls. @internal */
  report({ recorder, bytes, stack }: WatchedBytes): void {
    let released = false;
    if (this.#release) {
      try {
        recorder.dealloc(bytes);
        released = true;
      } catch {
        // The tracker is disposed, or somebody has freed the bytes without the handle: told by `released`.
      }
    }
    this.#onLeak({ tag: recorder.tag, bytes, released, ...(stack !== undefined && { stack }) });
  }
}

function warn({ tag, bytes, stack, released }: MemoryLeak): void {
  process.emitWarning(
    `a handle of ${bytes} bytes of tag ${tag} was collected without having been disposed: ` +
      (released ? 'they were deallocated' : 'they stay held'),
    { code: 'CORELANE_MEMORY_LEAK', ...(stack !== undefined && { detail: stack }) },
  );
}
