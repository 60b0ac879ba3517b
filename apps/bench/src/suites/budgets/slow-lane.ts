// Into the slow lane of the scheduler and out of it: what a client does when a task enters, and a worker when it takes one.
import { Scheduler, type SchedulerHandle } from '@corelane/scheduler';
import { Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from '../../kernel.generated.ts';
import { nowNs } from '../../clock.ts';
import type { BatchCase, BatchGroup, BatchResult } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { slowTasks } from './slow-tasks.ts';
import { REFERENCE } from './reference.ts';

const IN = 'into the slow lane';
const OUT = 'out of the slow lane';
const MOST_NS = 500;

/** Tasks that are in it at once. */
const TASKS = 4096;
const SLOTS: number = 2 * TASKS;
const LANES = 4;
/** The owner's, and the worker of the slow lane beyond one of the common lanes. */
const CLIENT = 1;
const WORKER = 2;
const BOOST_MS = 1000;

/** A scheduler whose worker of the slow lane is kept busy, so that the lane is the bench's alone. */
class Lane {
  readonly #scheduler: Scheduler;
  readonly #gate: Int32Array;
  readonly #held: Promise<unknown>;
  readonly #kernel: KernelExports;
  readonly #at: number;
  readonly #slots: readonly number[];

  private constructor(scheduler: Scheduler, gate: Int32Array, held: Promise<unknown>, arena: Arena) {
    this.#scheduler = scheduler;
    this.#gate = gate;
    this.#held = held;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    const { at }: SchedulerHandle = scheduler.handle;
    this.#at = at;
    this.#slots = Array.from({ length: TASKS }, () => this.#kernel.takeSlotFor(at, CLIENT, 0));
    if (this.#slots.some((slot) => slot < 0)) throw new Error('no slot');
  }

  static async create(): Promise<Lane> {
    const gate = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    const options = {
      threads: 1,
      slots: SLOTS,
      payloadBytes: 224,
      slowLane: { capacity: TASKS, perSource: TASKS, boostMs: BOOST_MS },
      workerData: gate,
    };
    const arena = Arena.create({ bytes: Scheduler.bytesFor(options) });
    const scheduler = Scheduler.create({ ...options, arena });
    const held = scheduler.run(slowTasks.hold, undefined, { lane: 'slow' });
    await Atomics.waitAsync(gate, 1, 0).value;
    return new Lane(scheduler, gate, held, arena);
  }

  /** All of them. @returns how many entered */
  enter(nowMs: number): number {
    let entered = 0;
    for (let i = 0; i < TASKS; i++)
      entered += this.#kernel.enterSlowLane(this.#at, this.#slots[i] as number, CLIENT, i % LANES, nowMs);
    return entered;
  }

  /** @returns how many left */
  leave(taken: Int32Array, nowMs: number): number {
    let left = 0;
    for (let i = 0; i < TASKS; i++) {
      const slot = this.#kernel.leaveSlowLane(this.#at, WORKER, nowMs);
      taken[i] = slot;
      if (slot >= 0) left++;
    }
    return left;
  }

  /** As they were. @returns what is wrong with those that were taken, or undefined */
  again(taken: Int32Array): string | undefined {
    const different = new Set(taken);
    for (const slot of taken) this.#kernel.holdSlotAgain(this.#at, slot, CLIENT);
    return different.size === TASKS && this.#slots.every((slot) => different.has(slot))
      ? undefined
      : `${different.size} different tasks of ${TASKS} left`;
  }

  async end(): Promise<void> {
    Atomics.store(this.#gate, 0, 1);
    Atomics.notify(this.#gate, 0);
    await this.#held;
    await this.#scheduler.destroy(); // its client does not know of these slots
  }
}

function timed(name: string, note: string, afterMs: number, which: 'in' | 'out'): BatchCase {
  const held = new Held<Lane>();
  const taken = new Int32Array(TASKS);
  let wrong: string | undefined;
  return {
    name,
    role: 'ours',
    note,
    opsPerBatch: TASKS,
    async setup() {
      held.set(await Lane.create());
    },
    batch(operations): BatchResult {
      const lane = held.get();
      let successful = 0;
      let elapsedNs = 0;
      for (let n = 0; n < operations; n += TASKS) {
        const startNs = nowNs();
        const entered = lane.enter(0);
        const betweenNs = nowNs();
        const left = lane.leave(taken, afterMs);
        elapsedNs += which === 'in' ? betweenNs - startNs : nowNs() - betweenNs;
        successful += Math.min(entered, left);
        wrong ??= lane.again(taken);
      }
      return { successful, elapsedNs };
    },
    check: () => wrong,
    teardown: () => held.take()?.end(),
  };
}

export const slowLane: BatchGroup = {
  kind: 'batch',
  name: 'slow-lane',
  title: `Into the slow lane and out of it, ${TASKS} tasks at a time`,
  note: 'Four lanes in turn, weights 4:3:2:1; the calls from JavaScript are in it, arguments and promises are not. Each task is looked for when it has left.',
  cases: [
    timed(IN, 'counted for all and for its name, and a worker looked for that could be woken', 0, 'in'),
    timed(OUT, 'claimed by weights: nobody has waited long', 0, 'out'),
    timed(
      'out of it, boosted',
      'every second one because it has waited too long, the oldest of all lanes',
      2 * BOOST_MS,
      'out',
    ),
  ],
  claims: [
    { of: IN, atMost: MOST_NS },
    { of: OUT, atMost: MOST_NS },
  ],
  publication: {
    source: REFERENCE,
    figures: [
      { what: 'slow queue, in', unit: 'ns', published: '416', of: IN },
      { what: 'slow queue, out', unit: 'ns', published: '0.9', of: OUT },
    ],
  },
};
