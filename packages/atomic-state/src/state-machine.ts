// The endpoints of a service and their state words, shared by all threads: asked before a call, told after it.
import {
  Arena,
  ArgumentRangeError,
  AttachError,
  CoarseClock,
  NameTable,
  NamesExhaustedError,
  type ObjectHandle,
} from '@corelane/shared-memory';
import {
  AdmissionError,
  EndpointError,
  EndpointsExhaustedError,
  PolicyError,
  RefusedError,
} from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  ANY_ADMISSION,
  cell,
  ledger,
  machineRoot,
  MAX_SKEW_MS,
  MICRO_PER_TOKEN,
  REFUSED_ADMISSION,
  REFUSED_UNDEFINED,
} from './layout.ts';
import { acquireOutcomeName, type RecordOutcome } from './outcome.ts';
import {
  checkAgreement,
  policyOf,
  readPolicy,
  writePolicy,
  type EndpointOptions,
  type Policy,
} from './policy.ts';
import { decodeWord, wordToBigInt, type WordSnapshot } from './word.ts';

export type StateMachineHandle = ObjectHandle<'atomic-state/machine'>;

export interface StateMachineOptions {
  /** Endpoints at most: 1 to 65,536. Each takes 624 bytes of the arena, its name included. */
  readonly endpoints: number;
  /** The clock that all threads go by, of the same arena. By default the machine makes one and advances it on the creating thread. */
  readonly clock?: CoarseClock;
  /** Options of endpoints that are defined without their own. */
  readonly defaults?: EndpointOptions;
}

/** An endpoint at a glance. The word is one moment's; what stands beside it may be of a moment later. */
export interface EndpointSnapshot extends WordSnapshot {
  readonly name: string;
  readonly index: number;
  /** The whole word. */
  readonly word: bigint;
  /** Closed to Open, since the endpoint was defined. */
  readonly trips: number;
  /** HalfOpen to Open, since the endpoint was defined. */
  readonly reopens: number;
  /** Probes admitted in this era. */
  readonly probesAdmitted: number;
  /** Milliseconds after which asking again may help; 0 while calls are admitted. */
  readonly retryAfterMs: number;
}

const MAX_ENDPOINTS = 65_536;
/** A constant of its own: a property of an object would be loaded in every call. */
const CELL_BYTES = cell.bytes;

export class StateMachine implements Disposable {
  readonly handle: StateMachineHandle;
  /** Endpoints at most. */
  readonly capacity: number;
  readonly clock: CoarseClock;
  readonly #arena: Arena;
  readonly #names: NameTable;
  readonly #root: number;
  readonly #cells: number;
  readonly #clockWord: number;
  readonly #kernel: KernelExports;
  // Fields of their own, and addresses kept in 32 bits: 1 to 2 ns a call (measured: bench suite state, group transition).
  readonly #tryAcquire: KernelExports['tryAcquire'];
  readonly #recordDelivery: KernelExports['recordDelivery'];
  readonly #ticker: Disposable | undefined;
  /** Policies by endpoint, of those that this thread has defined. */
  readonly #policies: (Policy | undefined)[] = [];

  private constructor(arena: Arena, at: number, clock: CoarseClock, names: NameTable, ticker?: Disposable) {
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    this.#arena = arena;
    this.#root = at;
    this.#names = names;
    this.#ticker = ticker;
    this.#cells = read(machineRoot.word.cells);
    this.#clockWord = clock.addressOfNow;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#tryAcquire = this.#kernel.tryAcquire;
    this.#recordDelivery = this.#kernel.recordDelivery;
    this.clock = clock;
    this.capacity = read(machineRoot.word.endpoints);
    this.handle = arena.objectHandle(machineRoot.name as StateMachineHandle['kind'], at);
  }

  /** @throws PolicyError, ArenaExhaustedError, AttachError where the clock lies in another arena */
  static create(arena: Arena, options: StateMachineOptions): StateMachine {
    const { endpoints, defaults = {} } = options;
    if (!Number.isInteger(endpoints) || endpoints < 1 || endpoints > MAX_ENDPOINTS)
      throw new PolicyError('endpoints', endpoints, `an integer from 1 to ${MAX_ENDPOINTS}`);
    const policy = policyOf(defaults);
    // The kernel reads the clock by its address in this arena.
    if (options.clock) CoarseClock.attach(options.clock.handle, arena);
    const clock = options.clock ?? CoarseClock.create(arena);
    const names = NameTable.create(arena, { capacity: endpoints });
    const at = arena.createObject(machineRoot, machineRoot.bytes + endpoints * cell.bytes);
    const write = (word: number, value: number): void => {
      arena.i32[(at >> 2) + word] = value;
    };
    write(machineRoot.word.endpoints, endpoints);
    write(machineRoot.word.cells, at + machineRoot.bytes);
    write(machineRoot.word.names, names.handle.at);
    write(machineRoot.word.clock, clock.handle.at);
    write(machineRoot.word.defaultPolicy, writePolicy(arena, policy));
    const ticker = clock !== options.clock ? clock.startTicker({ thread: 'this' }) : undefined;
    return new StateMachine(arena, at, clock, names, ticker);
  }

  /** @throws AttachError */
  static attach(handle: StateMachineHandle, arena: Arena = Arena.attach(handle?.arena)): StateMachine {
    const { at, lengthBytes } = arena.openObject(machineRoot, handle);
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const expected = machineRoot.bytes + read(machineRoot.word.endpoints) * cell.bytes;
    if (lengthBytes !== expected)
      throw new AttachError(machineRoot.name, 'length in bytes', lengthBytes, expected);
    if (read(machineRoot.word.cells) !== at + machineRoot.bytes)
      throw new AttachError(machineRoot.name, 'cells', read(machineRoot.word.cells), at + machineRoot.bytes);
    const clock = CoarseClock.attach(
      arena.objectHandle('shared-memory/coarse-clock', read(machineRoot.word.clock)),
      arena,
    );
    const names = NameTable.attach(
      arena.objectHandle('shared-memory/name-table', read(machineRoot.word.names)),
      arena,
    );
    if (names.capacity !== read(machineRoot.word.endpoints))
      throw new AttachError(
        machineRoot.name,
        'capacity of the name table',
        names.capacity,
        read(machineRoot.word.endpoints),
      );
    readPolicy(arena, read(machineRoot.word.defaultPolicy));
    return new StateMachine(arena, at, clock, names);
  }

  /**
   * The index of an endpoint, the same on every thread; a new name is defined. The first definition's options hold.
   * @throws EndpointsExhaustedError, PolicyError, PolicyConflictError
   */
  endpoint(name: string, options?: EndpointOptions): number {
    const wanted = options === undefined ? undefined : policyOf(options);
    const index = this.#intern(name);
    let holds = this.#policies[index];
    if (holds === undefined) {
      const installed = this.#kernel.defineEndpoint(
        this.#cellOf(index),
        this.#propose(index, wanted),
        this.clock.now(),
      );
      holds = readPolicy(this.#arena, installed);
      this.#policies[index] = holds;
    }
    if (options !== undefined && wanted !== undefined) checkAgreement(name, options, wanted, holds);
    return index;
  }

  /**
   * Asks to call an endpoint. Does not wait, allocates nothing.
   * @param nowMs on the machine's clock, any finite number (taken as a 32-bit integer); read from the shared word by default
   * @returns from 0 up: admitted, to be handed to `recordDelivery`; below 0: one of `Refusal`
   * @throws EndpointError, ArgumentRangeError
   */
  tryAcquire(endpoint: number, nowMs?: number): number {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.capacity) this.#unknown(endpoint);
    const at = (this.#cells + endpoint * CELL_BYTES) | 0;
    const outcome =
      nowMs === undefined
        ? this.#tryAcquire(at, this.#clockWord)
        : this.#kernel.tryAcquireAt(at, checkedTime(nowMs));
    if (outcome === REFUSED_UNDEFINED) this.#unknown(endpoint);
    return outcome;
  }

  /**
   * Records how a call ended. Does not wait, allocates nothing.
   * @param admission what `tryAcquire` returned for this call; without it a late result cannot be told from a current one
   * @throws EndpointError, AdmissionError, ArgumentRangeError
   */
  recordDelivery(
    endpoint: number,
    ok: boolean,
    admission: number = ANY_ADMISSION,
    nowMs?: number,
  ): RecordOutcome {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.capacity) this.#unknown(endpoint);
    if ((admission | 0) !== admission) throw new AdmissionError(admission);
    const at = (this.#cells + endpoint * CELL_BYTES) | 0;
    const outcome =
      nowMs === undefined
        ? this.#recordDelivery(at, ok ? 1 : 0, admission, this.#clockWord)
        : this.#kernel.recordDeliveryAt(at, ok ? 1 : 0, admission, checkedTime(nowMs));
    if (outcome < 0) this.#refuse(outcome, endpoint, admission);
    return outcome as RecordOutcome;
  }

  /**
   * Calls `call` if the endpoint admits it, and records whether it fulfilled.
   * @throws RefusedError without calling; else what `call` rejects with
   */
  async execute<T>(endpoint: number, call: () => T | PromiseLike<T>): Promise<T> {
    const admission = this.tryAcquire(endpoint);
    if (admission < 0) {
      const reason = acquireOutcomeName(admission) as RefusedError['reason'];
      throw new RefusedError(this.nameOf(endpoint), reason, this.retryAfterMs(endpoint));
    }
    let ok = false;
    try {
      const value = await call();
      ok = true;
      return value;
    } finally {
      this.recordDelivery(endpoint, ok, admission);
    }
  }

  /** Milliseconds after which asking again may help; 0 while calls are admitted. @throws EndpointError */
  retryAfterMs(endpoint: number, nowMs: number = this.clock.now()): number {
    const at = this.#check(endpoint);
    const policy = this.#policyOf(at);
    const { state, era, tokens } = this.#word(at);
    const remaining = (sinceMs: number, wholeMs: number): number => {
      const elapsedMs = (nowMs - sinceMs) | 0;
      if (elapsedMs < 0) return elapsedMs > -MAX_SKEW_MS ? wholeMs : 0; // as in the kernel
      return Math.max(0, wholeMs - elapsedMs);
    };
    switch (state) {
      case 'closed':
        return 0;
      case 'open': {
        const { sinceMs, era: stamped } = this.#ledger(at);
        return stamped === era ? remaining(sinceMs, policy.openDurationMs) : policy.openDurationMs;
      }
      case 'half-open': {
        const { admitted, sinceMs } = this.#ledger(at);
        if (admitted < policy.halfOpenProbes) return 0;
        // Probes that never answered: whoever asks now opens the breaker again, and the time starts anew.
        return remaining(sinceMs, policy.openDurationMs) || policy.openDurationMs;
      }
      case 'throttled': {
        if (tokens > 0 || policy.refillMicroPerMs === 0) return 0;
        this.#kernel.observeRefill(at);
        const fraction = this.#kernel.low();
        const sinceMs = this.#kernel.high();
        return remaining(sinceMs, Math.ceil((MICRO_PER_TOKEN - fraction) / policy.refillMicroPerMs));
      }
    }
  }

  /** @throws EndpointError */
  snapshot(endpoint: number): EndpointSnapshot {
    const at = this.#check(endpoint);
    const read = (offset: number): number => Atomics.load(this.#arena.i32, (at + offset) >> 2);
    this.#kernel.observeWord(at);
    const low = this.#kernel.low();
    const high = this.#kernel.high();
    const decoded = decodeWord(low, high);
    const { admitted, era } = this.#ledger(at);
    return {
      ...decoded,
      name: this.nameOf(endpoint),
      index: endpoint,
      word: wordToBigInt(low, high),
      trips: read(cell.offset.trips),
      reopens: read(cell.offset.reopens),
      probesAdmitted: era === decoded.era ? admitted : 0,
      retryAfterMs: this.retryAfterMs(endpoint),
    };
  }

  /** Snapshots of all endpoints, by index. */
  snapshots(): EndpointSnapshot[] {
    return this.endpoints().map(({ index }) => this.snapshot(index));
  }

  /** All defined endpoints, by index, whichever thread defined them. */
  endpoints(): { readonly name: string; readonly index: number }[] {
    return this.#names
      .names()
      .map((name, index) => ({ name, index }))
      .filter(({ index }) => this.#isDefined(index));
  }

  /** @throws EndpointError */
  nameOf(endpoint: number): string {
    this.#check(endpoint);
    return this.#names.nameOf(endpoint);
  }

  /** Stops the ticker where the machine started one. Handles and other threads stay valid; time then stands still for them. */
  [Symbol.dispose](): void {
    this.#ticker?.[Symbol.dispose]();
  }

  #intern(name: string): number {
    try {
      return this.#names.intern(name);
    } catch (cause) {
      if (cause instanceof NamesExhaustedError) throw new EndpointsExhaustedError(name, this.capacity, cause);
      throw cause;
    }
  }

  /** The address of a policy for `defineEndpoint`: where another thread has proposed one, that one, since memory never comes back. */
  #propose(endpoint: number, wanted: Policy | undefined): number {
    const { i32 } = this.#arena;
    const before = Atomics.load(i32, (this.#cellOf(endpoint) + cell.offset.proposed) >> 2);
    if (before !== 0) return before;
    if (wanted !== undefined) return writePolicy(this.#arena, wanted);
    return i32[(this.#root >> 2) + machineRoot.word.defaultPolicy] as number;
  }

  #cellOf(endpoint: number): number {
    return this.#cells + endpoint * CELL_BYTES;
  }

  #isDefined(endpoint: number): boolean {
    return Atomics.load(this.#arena.i32, (this.#cellOf(endpoint) + cell.offset.policy) >> 2) !== 0;
  }

  #check(endpoint: number): number {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.capacity || !this.#isDefined(endpoint))
      this.#unknown(endpoint);
    return this.#cellOf(endpoint);
  }

  #refuse(outcome: number, endpoint: number, admission: number): never {
    if (outcome === REFUSED_ADMISSION) throw new AdmissionError(admission);
    return this.#unknown(endpoint);
  }

  #unknown(endpoint: unknown): never {
    throw new EndpointError(endpoint, this.#names.size);
  }

  #policyOf(at: number): Policy {
    return readPolicy(this.#arena, Atomics.load(this.#arena.i32, (at + cell.offset.policy) >> 2));
  }

  #word(at: number): WordSnapshot {
    this.#kernel.observeWord(at);
    return decodeWord(this.#kernel.low(), this.#kernel.high());
  }

  #ledger(at: number): { admitted: number; era: number; sinceMs: number } {
    this.#kernel.observeLedger(at);
    const low = this.#kernel.low();
    const { admitted, era } = ledger.field;
    return {
      admitted: (low >>> admitted.shift) & admitted.mask,
      era: (low >>> era.shift) & era.mask,
      sinceMs: this.#kernel.high(),
    };
  }
}

function checkedTime(nowMs: number): number {
  if (Number.isFinite(nowMs)) return nowMs;
  throw new ArgumentRangeError('nowMs', nowMs, 'a finite number');
}
