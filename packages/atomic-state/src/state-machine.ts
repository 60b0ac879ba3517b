// The endpoints of a service and their state words, shared by all threads: asked before a call, told after it.
import {
  Arena,
  ArgumentRangeError,
  NamesExhaustedError,
  type CoarseClock,
  type NameTable,
} from '@corelane/shared-memory';
import type { EndpointCells, EndpointKernel } from './endpoint-cells.ts';
import {
  parseSnapshot,
  retryAfterMs,
  snapshotOf,
  type EndpointSnapshot,
  type MachineSnapshot,
} from './endpoint-snapshot.ts';
import { AdmissionError, EndpointError, EndpointsExhaustedError, RefusedError } from './errors.ts';
import { cellsOf } from './implementation.ts';
import { ANY_ADMISSION, machineRoot, REFUSED_ADMISSION, REFUSED_UNDEFINED } from './layout.ts';
import {
  createMachine,
  openMachine,
  type MachineMemory,
  type StateMachineHandle,
  type StateMachineOptions,
} from './machine-memory.ts';
import { metricsOf, type MachineMetrics } from './machine-metrics.ts';
import { acquireOutcomeName, type RecordOutcome } from './outcome.ts';
import {
  areShareable,
  checkAgreement,
  optionsOf,
  policyOf,
  readPolicy,
  writePolicy,
  type EndpointOptions,
  type Policy,
} from './policy.ts';
import { restoreEndpoint } from './restore-endpoint.ts';
import { deadThread, THIS_THREAD } from './this-thread.ts';

const MAX_RATIO = 255;
/** Longer than any `slowCallDurationMs`. */
const MAX_DURATION_MS = 0x7fffffff;

export class StateMachine implements Disposable {
  readonly handle: StateMachineHandle;
  /** Endpoints at most. */
  readonly capacity: number;
  readonly clock: CoarseClock;
  readonly #arena: Arena;
  readonly #names: NameTable;
  readonly #root: number;
  readonly #firstCell: number;
  readonly #cells: EndpointCells;
  readonly #kernel: EndpointKernel;
  readonly #clockWord: number;
  // Fields of their own, and addresses kept in 32 bits: 1 to 2 ns a call (measured: bench suite state, group transition).
  readonly #cellBytes: number;
  readonly #tryAcquire: EndpointKernel['tryAcquire'];
  readonly #recordDelivery: EndpointKernel['recordDelivery'];
  readonly #ticker: Disposable | undefined;
  /** Policies by endpoint, of those that this thread has defined. */
  readonly #policies: (Policy | undefined)[] = [];

  private constructor({ arena, at, clock, names }: MachineMemory, ticker?: Disposable) {
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    this.#arena = arena;
    this.#root = at;
    this.#names = names;
    this.#ticker = ticker;
    this.#firstCell = read(machineRoot.word.cells);
    this.#clockWord = clock.addressOfNow;
    this.#cells = cellsOf(arena, at);
    this.#kernel = this.#cells.kernel;
    this.#cellBytes = this.#cells.bytes;
    this.#tryAcquire = this.#kernel.tryAcquire;
    this.#recordDelivery = this.#kernel.recordDelivery;
    this.clock = clock;
    this.capacity = read(machineRoot.word.endpoints);
    this.handle = arena.objectHandle(machineRoot.name as StateMachineHandle['kind'], at);
  }

  /** @throws PolicyError, ArenaExhaustedError, AttachError where the clock lies in another arena */
  static create(arena: Arena, options: StateMachineOptions): StateMachine {
    const memory = createMachine(arena, options);
    const ticker = options.clock ? undefined : memory.clock.startTicker({ thread: 'this' });
    return new StateMachine(memory, ticker);
  }

  /** @throws AttachError */
  static attach(handle: StateMachineHandle, arena: Arena = Arena.attach(handle?.arena)): StateMachine {
    return new StateMachine(openMachine(arena, handle));
  }

  /**
   * The index of an endpoint, the same on every thread; a new name is defined. The first definition's options hold.
   * @throws EndpointsExhaustedError, PolicyError, PolicyConflictError, ArgumentRangeError for the name, ArenaExhaustedError
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
    const at = (this.#firstCell + endpoint * this.#cellBytes) | 0;
    const outcome =
      nowMs === undefined
        ? this.#tryAcquire(at, this.#clockWord, THIS_THREAD)
        : this.#kernel.tryAcquireAt(at, checkedTime(nowMs), THIS_THREAD);
    if (outcome === REFUSED_UNDEFINED) this.#unknown(endpoint);
    return outcome;
  }

  /**
   * Records how a call ended. Does not wait, allocates nothing.
   * @param admission what `tryAcquire` returned for this call; without it a late result cannot be told from a current one, and an
   *   endpoint with a `capacity` must have it, since it holds the permit
   * @param durationMs how long the call took: a number from 0, for endpoints that look at slow calls
   * @throws EndpointError, AdmissionError, ArgumentRangeError
   */
  recordDelivery(
    endpoint: number,
    ok: boolean,
    admission: number = ANY_ADMISSION,
    durationMs = 0,
    nowMs?: number,
  ): RecordOutcome {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.capacity) this.#unknown(endpoint);
    if ((admission | 0) !== admission) throw new AdmissionError(admission);
    const wholeMs = durationMs === 0 ? 0 : checkedDuration(durationMs);
    const at = (this.#firstCell + endpoint * this.#cellBytes) | 0;
    const outcome =
      nowMs === undefined
        ? this.#recordDelivery(at, ok ? 1 : 0, admission, wholeMs, this.#clockWord, THIS_THREAD)
        : this.#kernel.recordDeliveryAt(at, ok ? 1 : 0, admission, wholeMs, checkedTime(nowMs), THIS_THREAD);
    if (outcome < 0) this.#refuse(outcome, endpoint, admission);
    return outcome as RecordOutcome;
  }

  /**
   * Calls `call` if the endpoint admits it, and records whether it fulfilled, and how long it took on the machine's clock.
   * @throws RefusedError without calling; else what `call` rejects with
   */
  async execute<T>(endpoint: number, call: () => T | PromiseLike<T>): Promise<T> {
    const admission = this.tryAcquire(endpoint);
    if (admission < 0) {
      const reason = acquireOutcomeName(admission) as RefusedError['reason'];
      throw new RefusedError(
        this.nameOf(endpoint),
        reason,
        reason === 'busy' ? null : this.retryAfterMs(endpoint),
      );
    }
    const startMs = this.clock.now();
    let ok = false;
    try {
      const value = await call();
      ok = true;
      return value;
    } finally {
      this.recordDelivery(endpoint, ok, admission, Math.max(0, (this.clock.now() - startMs) | 0));
    }
  }

  /** False where the breaker has opened since the admission was given: its result would be late. @throws EndpointError, AdmissionError */
  isCurrent(endpoint: number, admission: number): boolean {
    const at = this.#check(endpoint);
    if ((admission | 0) !== admission || admission < 0 || (admission & ANY_ADMISSION) !== 0)
      throw new AdmissionError(admission);
    return this.#kernel.isCurrent(at, admission) === 1;
  }

  /**
   * Opens the breaker, as results would: it becomes half open after `resetTimeout`.
   * @returns false where it was open
   * @throws EndpointError, ArgumentRangeError
   */
  open(endpoint: number, nowMs: number = this.clock.now()): boolean {
    return this.#kernel.openEndpoint(this.#check(endpoint), checkedTime(nowMs)) === 1;
  }

  /** Opens the breaker until `close`. @returns false where it was isolated @throws EndpointError, ArgumentRangeError */
  isolate(endpoint: number, nowMs: number = this.clock.now()): boolean {
    return this.#kernel.isolateEndpoint(this.#check(endpoint), checkedTime(nowMs)) === 1;
  }

  /**
   * Closes the breaker, whatever opened it. Calls that were admitted before it opened stay late.
   * @returns false where it was closed
   * @throws EndpointError
   */
  close(endpoint: number): boolean {
    return this.#kernel.closeEndpoint(this.#check(endpoint)) === 1;
  }

  /**
   * Records that a compressed payload was let through.
   * @param ratio of what came out to what went in, any finite number from 0: the word has it rounded up, 255 at most
   * @throws EndpointError, ArgumentRangeError
   */
  recordCompression(endpoint: number, ratio: number): void {
    this.#kernel.recordCompression(this.#check(endpoint), checkedRatio(ratio), 0);
  }

  /** Records that a compressed payload was refused. @throws EndpointError, ArgumentRangeError */
  recordBomb(endpoint: number, ratio: number): void {
    this.#kernel.recordCompression(this.#check(endpoint), checkedRatio(ratio), 1);
  }

  /**
   * Gives back the permits of a thread that has ended without recording its results, and with `implementation: 'standard'` the mutexes
   * that it had.
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @returns permits that came back
   * @throws ArgumentRangeError also for this thread
   */
  reclaim(threadId: number): number {
    const dead = deadThread(threadId);
    const { size } = this.#names;
    let permits = 0;
    // Also of endpoints that are not defined: it may have died defining one.
    for (let index = 0; index < size; index++)
      permits += this.#kernel.reclaimEndpoint(this.#cellOf(index), dead);
    return permits;
  }

  /**
   * Milliseconds after which asking again may help; 0 while calls are admitted, null where only `close` helps.
   * @throws EndpointError
   */
  retryAfterMs(endpoint: number, nowMs: number = this.clock.now()): number | null {
    const at = this.#check(endpoint);
    return retryAfterMs(this.#cells.read(at), this.#policyOf(at), nowMs);
  }

  /** Of one endpoint, or of all: plain data that `restore` takes. @throws EndpointError */
  snapshot(endpoint: number): EndpointSnapshot;
  snapshot(): MachineSnapshot;
  snapshot(endpoint?: number): EndpointSnapshot | MachineSnapshot {
    if (endpoint === undefined)
      return { format: 'corelane/atomic-state', version: 1, endpoints: this.snapshots() };
    const at = this.#check(endpoint);
    const nowMs = this.clock.now();
    const policy = this.#policyOf(at);
    const reading = this.#cells.read(at);
    return snapshotOf(reading, this.#cells.readWindows(at, nowMs), {
      name: this.nameOf(endpoint),
      index: endpoint,
      retryAfterMs: retryAfterMs(reading, policy, nowMs),
      options: optionsOf(policy),
    });
  }

  /** Snapshots of all endpoints, by index. */
  snapshots(): EndpointSnapshot[] {
    return this.endpoints().map(({ index }) => this.snapshot(index));
  }

  /**
   * Takes endpoints back to a snapshot: defines those that are not there, with the snapshot's options. Calls that are out become late,
   * half open becomes open with its time over, and counters of trips and the like go on from where they are.
   * @param elapsedMs milliseconds since the snapshot was taken: what is left of an open breaker's time, the ages of results, tokens
   * @throws SnapshotError, PolicyError, PolicyConflictError, EndpointsExhaustedError, ArenaExhaustedError, ArgumentRangeError (a name of
   *   more than 96 bytes) before any state is changed (endpoints that were defined by then stay defined); RestoreConflictError where another thread changes one meanwhile
   */
  restore(
    snapshot: MachineSnapshot | EndpointSnapshot,
    { elapsedMs = 0 }: { readonly elapsedMs?: number } = {},
  ): void {
    if (!Number.isFinite(elapsedMs) || elapsedMs < 0)
      throw new ArgumentRangeError('elapsedMs', elapsedMs, 'a finite number from 0');
    const endpoints = parseSnapshot(snapshot);
    for (const { options } of endpoints) policyOf(options);
    const indices = endpoints.map(({ name, options }) => this.endpoint(name, options));
    const nowMs = this.clock.now();
    for (const [i, endpoint] of endpoints.entries()) {
      const at = this.#cellOf(indices[i] as number);
      restoreEndpoint(this.#kernel, at, endpoint, { policy: this.#policyOf(at), nowMs, elapsedMs });
    }
  }

  metrics(): MachineMetrics {
    const readings = this.endpoints().map(({ index }) => this.#cells.read(this.#cellOf(index)));
    return metricsOf(this.#cells.casCounts(), readings);
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
    const before = this.#cells.proposedAt(this.#cellOf(endpoint));
    if (before !== 0) return before;
    const shared = this.#arena.i32[(this.#root >> 2) + machineRoot.word.defaultPolicy] as number;
    const defaults = readPolicy(this.#arena, shared);
    const policy = wanted ?? defaults;
    return areShareable(policy, defaults) ? shared : writePolicy(this.#arena, policy);
  }

  #cellOf(endpoint: number): number {
    return this.#firstCell + endpoint * this.#cellBytes;
  }

  #isDefined(endpoint: number): boolean {
    return this.#cells.policyAt(this.#cellOf(endpoint)) !== 0;
  }

  #check(endpoint: number): number {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.capacity || !this.#isDefined(endpoint))
      this.#unknown(endpoint);
    return this.#cellOf(endpoint);
  }

  #refuse(outcome: number, endpoint: number, admission: number): never {
    if (outcome === REFUSED_ADMISSION)
      throw new AdmissionError(admission === ANY_ADMISSION ? undefined : admission);
    return this.#unknown(endpoint);
  }

  #unknown(endpoint: unknown): never {
    throw new EndpointError(endpoint, this.#names.size);
  }

  #policyOf(at: number): Policy {
    return readPolicy(this.#arena, this.#cells.policyAt(at));
  }
}

function checkedTime(nowMs: number): number {
  if (Number.isFinite(nowMs)) return nowMs;
  throw new ArgumentRangeError('nowMs', nowMs, 'a finite number');
}

/** In the kernel's integers: whatever is longer than a whole number of milliseconds is longer than that. */
function checkedDuration(durationMs: number): number {
  if (typeof durationMs === 'number' && durationMs >= 0)
    return Math.min(MAX_DURATION_MS, Math.ceil(durationMs));
  throw new ArgumentRangeError('durationMs', durationMs, 'a number from 0');
}

function checkedRatio(ratio: number): number {
  if (Number.isFinite(ratio) && ratio >= 0) return Math.min(MAX_RATIO, Math.ceil(ratio));
  throw new ArgumentRangeError('ratio', ratio, 'a finite number from 0');
}
