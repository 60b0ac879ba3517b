// What happens where more tasks wait than should, and what producers are told of it.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { QueueFullError, TaskShedError } from './errors.ts';
import { LEVELS } from './layout.ts';
import type { ClientOptions } from './options.ts';
import { checkMaxQueue } from './options.ts';
import type { Waiting, WaitingLine } from './waiting-line.ts';

/** `reject`: the newcomer is refused. `wait`: it waits all the same. `shedLowest`: the newest of the lowest priority goes, the newcomer being one of them. */
export const ON_FULL = ['reject', 'wait', 'shedLowest'] as const;

export type OnFull = (typeof ON_FULL)[number];

/** `needsDrain`: producers should stop. `drain`: they may go on. */
export type PressureEvent = 'needsDrain' | 'drain';

export class BackPressure {
  readonly #maxQueue: number;
  readonly #onFull: OnFull;
  /** As many wait when producers are told to stop; half as many when they may go on. */
  readonly #mark: number;
  readonly #tell: (event: PressureEvent) => void;
  #drained: (() => void)[] = [];
  /** Whether producers should wait for `drain`. */
  needsDrain = false;
  refused = 0;
  shed = 0;

  /** @throws ArgumentRangeError */
  constructor(
    { maxQueue, onFull = 'reject' }: ClientOptions,
    slots: number,
    tell: (event: PressureEvent) => void,
  ) {
    this.#maxQueue = checkMaxQueue(maxQueue);
    if (!ON_FULL.includes(onFull))
      throw new ArgumentRangeError('onFull', onFull, `one of ${ON_FULL.join(', ')}`);
    if (onFull !== 'reject' && this.#maxQueue === Infinity)
      throw new ArgumentRangeError('onFull', onFull, 'reject, where maxQueue has no limit');
    this.#onFull = onFull;
    this.#mark = this.#maxQueue === Infinity ? slots : Math.max(1, this.#maxQueue);
    this.#tell = tell;
  }

  /**
   * Before another task waits.
   * @returns one that goes for it: the caller rejects it with `shedError`
   * @throws QueueFullError, TaskShedError where it may not wait
   */
  makeRoom(line: WaitingLine, lane: number, task: string, inFlight: number): Waiting | undefined {
    if (line.size < this.#maxQueue || this.#onFull === 'wait') return undefined;
    this.#rise();
    if (this.#onFull === 'reject') {
      this.refused++;
      throw new QueueFullError(this.#maxQueue, inFlight);
    }
    this.shed++;
    const least = line.takeNewestBelow(lane);
    if (least === undefined) throw this.shedError(task, lane);
    return least;
  }

  /** Those of one worker come before all levels. */
  shedError(task: string, lane: number): TaskShedError {
    return new TaskShedError(task, Math.min(lane, LEVELS - 1), this.#maxQueue);
  }

  /** So many wait, one more than before. */
  rose(size: number): void {
    if (!this.needsDrain && size >= this.#mark) this.#rise();
  }

  /** So many wait, fewer than before, or a slot has become free. */
  fell(size: number): void {
    if (!this.needsDrain || size > this.#mark >> 1) return;
    this.needsDrain = false;
    for (const resolve of this.#drained.splice(0)) resolve();
    this.#tell('drain');
  }

  drained(): Promise<void> {
    return this.needsDrain ? new Promise((resolve) => this.#drained.push(resolve)) : Promise.resolve();
  }

  #rise(): void {
    if (this.needsDrain) return;
    this.needsDrain = true;
    this.#tell('needsDrain');
  }
}
