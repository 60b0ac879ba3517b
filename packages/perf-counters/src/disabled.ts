// Handles that do nothing, for a registry that is switched off: of the same types, so that a call site sees either these or those.
import type { BucketShape } from './buckets.ts';
import { Counter } from './counter.ts';
import { sameMetric, describeDefinition, type Definition } from './definition.ts';
import { Distribution } from './distribution.ts';
import { RedefinitionError } from './errors.ts';
import { Family } from './family.ts';
import { Gauge } from './gauge.ts';
import type { Handles, MakeHandle } from './handles.ts';
import { Histogram } from './histogram.ts';
import { noClock } from './ports.ts';
import { RunningBatch, UNTIMED, type RunningTimer } from './running-timer.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import type { FloatWords } from './slots.ts';
import { Timer } from './timer.ts';
import { UpDownCounter } from './up-down-counter.ts';

class DisabledCounter extends Counter {
  override inc(): void {}
}

class DisabledUpDownCounter extends UpDownCounter {
  override inc(): void {}
  override dec(): void {}
}

class DisabledGauge extends Gauge {
  override set(): void {}
  override inc(): void {}
  override dec(): void {}
  override clear(): void {}
}

class DisabledHistogram extends Histogram {
  override record(): void {}
  override recordMany(): void {}
  override recordCorrected(): void {}
}

const NO_BATCH = new RunningBatch(undefined, { now: () => NaN }, 0);

class DisabledTimer extends Timer {
  override start(): RunningTimer {
    return UNTIMED;
  }
  override now(): number {
    return NaN;
  }
  override recordSince(): number {
    return NaN;
  }
  override record(): void {}
  override recordBatch(): void {}
  override batch(): RunningBatch {
    return NO_BATCH;
  }
  override recordCorrected(): void {}
  override time<T>(operation: () => T): T {
    return operation();
  }
  override async timeAsync<T>(operation: () => T | PromiseLike<T>): Promise<T> {
    return await operation();
  }
}

class DisabledFamily extends Family<SlotHandle> {
  readonly #handle: SlotHandle;

  constructor(name: string, labels: readonly string[], handle: SlotHandle) {
    super(name, labels, () => ({ handle, isOverflow: true }));
    this.#handle = handle;
  }

  override labels(): SlotHandle {
    return this.#handle;
  }
}

/** Definitions are checked as ever, so that what is wrong with one is found whichever way the switch stands. */
export class DisabledHandles implements Handles {
  readonly #defined = new Map<string, { readonly definition: Definition; readonly made: unknown }>();

  define<Handle extends SlotHandle>(
    definition: Definition,
    _make: MakeHandle<Handle>,
  ): Handle | Family<Handle> {
    const { name, labels } = definition;
    const known = this.#defined.get(name);
    if (known === undefined) {
      const handle = disabledHandle(definition);
      const made = labels.length === 0 ? handle : new DisabledFamily(name, labels, handle);
      this.#defined.set(name, { definition, made });
      return made as Handle | Family<Handle>;
    }
    if (!sameMetric(known.definition, definition))
      throw new RedefinitionError(name, describeDefinition(known.definition), describeDefinition(definition));
    return known.made as Handle | Family<Handle>;
  }

  close(): void {
    this.#defined.clear();
  }
}

function disabledHandle(definition: Definition): SlotHandle {
  const source = sourceOfNothing(definition);
  switch (definition.type) {
    case 'counter':
      return new DisabledCounter(source);
    case 'upDownCounter':
      return new DisabledUpDownCounter(source);
    case 'gauge':
      return new DisabledGauge(source);
    case 'histogram':
      return new DisabledHistogram(source, definition.buckets as BucketShape);
    case 'timer':
      return new DisabledTimer(source, noClock);
  }
}

/** No slot in shared memory: words of its own, that nobody reads. */
function sourceOfNothing({ perUnit, buckets }: Definition): SlotSource {
  return {
    floats: { put: () => undefined, get: () => 0 } satisfies Pick<FloatWords, 'put' | 'get'>,
    perUnit,
    buckets,
    open: (bytes) => new Int32Array(bytes >> 2),
    total: () => 0,
    distribution: () => new Distribution(buckets as NonNullable<Definition['buckets']>, perUnit),
  };
}
