// One hot endpoint in each of its forms, in one arena: the word, the standard twin, and what people write without either. Every form
// counts the same transition: a success while closed, its version, and no count above 65,535.
import { threadId } from 'node:worker_threads';
import { Recorded, StateMachine, type StateMachineHandle } from '@corelane/atomic-state';
import { SharedMutex } from '@corelane/lock-free';
import { Arena, type ArenaHandle, CoarseClock } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from '../../kernel.generated.ts';
import { AtomicsMutex } from '../lock-free/atomics-mutex.ts';

/** One call from JavaScript, or more, for a transition. */
export type JsWay = 'word' | 'mutex' | 'SharedMutex' | 'Atomics' | 'Atomics, spinning' | 'BigInt';
/** A loop in Wasm. */
export type WasmWay = 'word, Wasm loop' | 'mutex, Wasm loop' | 'many by mutex' | 'many by CAS';
export type Way = JsWay | WasmWay;

export interface HotEndpointHandle {
  readonly arena: ArenaHandle;
  readonly word: StateMachineHandle;
  readonly mutex: StateMachineHandle;
  /** Addresses. */
  readonly at: {
    readonly wordCell: number;
    readonly mutexCell: number;
    readonly clock: number;
    /** Blocks of 128 bytes: a mutex, and from the 64th byte on the fields. */
    readonly sharedMutex: number;
    readonly atomics: number;
    readonly spinning: number;
    readonly bigint: number;
    readonly manyByMutex: number;
    readonly manyByCas: number;
  };
}

const LINE_BYTES = 128;
const FIELDS_AT = 64;
/** Of a breaker's first era, not a probe. */
const ADMISSION = 0;
const MAX_COUNT = 65_535;
const VERSIONS = 256;
const MANY = 16;
/** As the twin's. */
const SPINS = 30;

// Fields of an endpoint that JavaScript keeps, in words.
const STATE = 0;
const ERA = 1;
const SUCCESSES = 2;
const TRANSITIONS = 3;
const CLOSED = 1;

// The word as BigInt: as in layout.ts of atomic-state.
const VERSION_MASK = 255n;
const OPEN_OR_ERA = 0xe3n << 8n;
const SUCCESS_ONE = 1n << 32n;
const SUCCESSES_MASK = 0xffffn << 32n;

export class HotEndpoint {
  readonly handle: HotEndpointHandle;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #machines: { readonly word: StateMachine; readonly mutex: StateMachine };
  readonly #bigints: BigUint64Array;

  private constructor(
    arena: Arena,
    handle: HotEndpointHandle,
    machines: { readonly word: StateMachine; readonly mutex: StateMachine },
  ) {
    this.handle = handle;
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#machines = machines;
    this.#bigints = new BigUint64Array(arena.u8.buffer);
  }

  static create(): HotEndpoint {
    const arena = Arena.create({ bytes: 1 << 18 });
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    // Nobody advances it: a success while closed needs no time.
    const clock = CoarseClock.create(arena);
    const word = StateMachine.create(arena, { endpoints: 1, clock, implementation: 'atomic' });
    const mutex = StateMachine.create(arena, { endpoints: 1, clock, implementation: 'standard' });
    for (const machine of [word, mutex]) machine.endpoint('source/0');
    const block = (): number => arena.allocate(LINE_BYTES, LINE_BYTES);
    const wordCell = arena.allocate(kernel.endpointBytes(), LINE_BYTES);
    const mutexCell = arena.allocate(kernel.standardBytes(), LINE_BYTES);
    kernel.createEndpoint(wordCell);
    kernel.createStandard(mutexCell, threadId + 1);
    const at = {
      wordCell,
      mutexCell,
      clock: clock.addressOfNow,
      sharedMutex: block(),
      atomics: block(),
      spinning: block(),
      bigint: block(),
      manyByMutex: block(),
      manyByCas: block(),
    };
    for (const fields of [at.sharedMutex, at.atomics, at.spinning])
      arena.i32[((fields + FIELDS_AT) >> 2) + STATE] = CLOSED;
    const handle = { arena: arena.handle, word: word.handle, mutex: mutex.handle, at };
    return new HotEndpoint(arena, handle, { word, mutex });
  }

  static attach(handle: HotEndpointHandle): HotEndpoint {
    const arena = Arena.attach(handle.arena);
    const machines = {
      word: StateMachine.attach(handle.word, arena),
      mutex: StateMachine.attach(handle.mutex, arena),
    };
    return new HotEndpoint(arena, handle, machines);
  }

  /** A function that makes so many transitions and says how many were counted. */
  loop(way: Way): (operations: number) => number {
    const kernel = this.#kernel;
    const { at } = this.handle;
    const me = threadId + 1;
    switch (way) {
      case 'word, Wasm loop':
        return (operations) => kernel.transitions(at.wordCell, ADMISSION, at.clock, operations);
      case 'mutex, Wasm loop':
        return (operations) => kernel.standardTransitions(at.mutexCell, ADMISSION, at.clock, me, operations);
      case 'many by mutex':
        return (operations) => kernel.updateByMutex(at.manyByMutex, me, operations);
      case 'many by CAS':
        return (operations) => kernel.updateByCas(at.manyByCas, operations);
      case 'word':
      case 'mutex':
        return deliveries(this.#machines[way]);
      case 'SharedMutex':
      case 'Atomics':
      case 'Atomics, spinning':
      case 'BigInt':
        return repeated(this.single(way));
    }
  }

  /** A function that makes one transition and says whether it was counted. */
  single(way: JsWay): () => boolean {
    const { at } = this.handle;
    const { i32 } = this.#arena;
    switch (way) {
      case 'word':
      case 'mutex': {
        const machine = this.#machines[way];
        return () => machine.recordDelivery(0, true, ADMISSION) === Recorded.Counted;
      }
      case 'SharedMutex': {
        const mutex = SharedMutex.over(this.#arena, at.sharedMutex);
        const fields = fieldsOf(at.sharedMutex);
        return () => {
          mutex.acquire();
          const counted = count(i32, fields);
          mutex.unlock();
          return counted;
        };
      }
      case 'Atomics':
      case 'Atomics, spinning': {
        const block = way === 'Atomics' ? at.atomics : at.spinning;
        const mutex = new AtomicsMutex(i32, block >> 2, way === 'Atomics' ? 0 : SPINS);
        const fields = fieldsOf(block);
        return () => {
          mutex.lock();
          const counted = count(i32, fields);
          mutex.unlock();
          return counted;
        };
      }
      case 'BigInt': {
        const words = this.#bigints;
        return () => countBigInt(words, at.bigint >> 3);
      }
    }
  }

  /** What is wrong after so many transitions of this way and nothing else, or undefined. */
  check(way: Way, transitions: number): string | undefined {
    const { at } = this.handle;
    const { i32 } = this.#arena;
    const counts = {
      successes: Math.min(transitions, MAX_COUNT),
      version: transitions % VERSIONS,
    };
    const compare = (found: { successes: number; version: number }): string | undefined =>
      found.successes === counts.successes && found.version === counts.version
        ? undefined
        : `successes ${found.successes}, version ${found.version}, expected ${counts.successes}, ${counts.version}`;
    const exactly = (found: number): string | undefined =>
      found === (transitions | 0)
        ? undefined
        : `${found} transitions, expected ${transitions | 0} (modulo 2^32)`;
    switch (way) {
      case 'word':
      case 'mutex':
        return compare(this.#machines[way].snapshot(0));
      case 'word, Wasm loop': {
        this.#kernel.observe(at.wordCell);
        const [low, high] = [this.#kernel.low(), this.#kernel.high()];
        return compare({ successes: high & MAX_COUNT, version: low & (VERSIONS - 1) });
      }
      case 'mutex, Wasm loop':
        return exactly(this.#kernel.standardTransitionCount(at.mutexCell));
      case 'SharedMutex':
        return exactly(i32[fieldsOf(at.sharedMutex) + TRANSITIONS] ?? Number.NaN);
      case 'Atomics':
        return exactly(i32[fieldsOf(at.atomics) + TRANSITIONS] ?? Number.NaN);
      case 'Atomics, spinning':
        return exactly(i32[fieldsOf(at.spinning) + TRANSITIONS] ?? Number.NaN);
      case 'BigInt': {
        const word = Atomics.load(this.#bigints, at.bigint >> 3);
        return compare({
          successes: Number((word & SUCCESSES_MASK) >> 32n),
          version: Number(word & VERSION_MASK),
        });
      }
      case 'many by mutex':
      case 'many by CAS': {
        const first = fieldsOf(way === 'many by mutex' ? at.manyByMutex : at.manyByCas);
        const wrong = [...i32.subarray(first, first + MANY)].find((each) => each !== (transitions | 0));
        return wrong === undefined ? undefined : exactly(wrong);
      }
    }
  }
}

/** Index of the first field of a block. */
function fieldsOf(block: number): number {
  return (block + FIELDS_AT) >> 2;
}

function deliveries(machine: StateMachine): (operations: number) => number {
  return (operations) => {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++)
      if (machine.recordDelivery(0, true, ADMISSION) === Recorded.Counted) successful++;
    return successful;
  };
}

function repeated(once: () => boolean): (operations: number) => number {
  return (operations) => {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) if (once()) successful++;
    return successful;
  };
}

/** The transition on fields that the caller has a lock on. */
function count(i32: Int32Array, fields: number): boolean {
  if (i32[fields + STATE] !== CLOSED || i32[fields + ERA] !== ADMISSION >> 1) return false;
  const successes = i32[fields + SUCCESSES] as number;
  if (successes !== MAX_COUNT) i32[fields + SUCCESSES] = successes + 1;
  i32[fields + TRANSITIONS] = (i32[fields + TRANSITIONS] as number) + 1;
  return true;
}

/** The transition by CAS, on a word without Wasm. */
function countBigInt(words: BigUint64Array, index: number): boolean {
  while (true) {
    const word = Atomics.load(words, index);
    if ((word & OPEN_OR_ERA) !== 0n) return false;
    const bumped = (word & ~VERSION_MASK) | ((word + 1n) & VERSION_MASK);
    const next = (word & SUCCESSES_MASK) === SUCCESSES_MASK ? bumped : bumped + SUCCESS_ONE;
    if (Atomics.compareExchange(words, index, word, next) === word) return true;
  }
}
