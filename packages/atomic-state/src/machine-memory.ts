// A machine's memory: its root, cells, names, clock and default policy, made in an arena or found there and checked.
import { AttachError, CoarseClock, NameTable, type Arena, type ObjectHandle } from '@corelane/shared-memory';
import { NO_OPTION, PolicyError } from './errors.ts';
import { cellBytesOf, numberOf, type Implementation } from './implementation.ts';
import { machineRoot } from './layout.ts';
import { policyOf, readPolicy, writePolicy, type EndpointOptions } from './policy.ts';

export type StateMachineHandle = ObjectHandle<'atomic-state/machine'>;

export interface StateMachineOptions {
  /** Endpoints at most: 1 to 65,536. Each takes 752 bytes of the arena, its name included. */
  readonly endpoints: number;
  /** The clock that all threads go by, of the same arena. By default the machine makes one and advances it on the creating thread. */
  readonly clock?: CoarseClock;
  /** Options of endpoints that are defined without their own. */
  readonly defaults?: EndpointOptions;
  /** How endpoints are kept: `atomic` by default. */
  readonly implementation?: Implementation;
}

/** What a state machine works on. */
export interface MachineMemory {
  readonly arena: Arena;
  /** Address of the root. */
  readonly at: number;
  readonly clock: CoarseClock;
  readonly names: NameTable;
}

const MAX_ENDPOINTS = 65_536;
const OPTIONS: readonly string[] = ['endpoints', 'clock', 'defaults', 'implementation'];

/** @throws PolicyError, ArenaExhaustedError, AttachError where the clock lies in another arena */
export function createMachine(arena: Arena, options: StateMachineOptions): MachineMemory {
  if (typeof options !== 'object' || options === null)
    throw new PolicyError('options', options, 'an object with the number of endpoints');
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name)) throw new PolicyError(name, NO_OPTION, `one of ${OPTIONS.join(', ')}`);
  const { endpoints, defaults = {} } = options;
  if (!Number.isInteger(endpoints) || endpoints < 1 || endpoints > MAX_ENDPOINTS)
    throw new PolicyError('endpoints', endpoints, `an integer from 1 to ${MAX_ENDPOINTS}`);
  const policy = policyOf(defaults);
  const implementation = numberOf(options.implementation ?? 'atomic');
  // The kernel reads the clock by its address in this arena.
  if (options.clock) CoarseClock.attach(options.clock.handle, arena);
  const clock = options.clock ?? CoarseClock.create(arena);
  const names = NameTable.create(arena, { capacity: endpoints });
  const at = arena.createObject(machineRoot, machineRoot.bytes + endpoints * cellBytesOf(implementation));
  const write = (word: number, value: number): void => {
    arena.i32[(at >> 2) + word] = value;
  };
  write(machineRoot.word.implementation, implementation);
  write(machineRoot.word.endpoints, endpoints);
  write(machineRoot.word.cells, at + machineRoot.bytes);
  write(machineRoot.word.names, names.handle.at);
  write(machineRoot.word.clock, clock.handle.at);
  write(machineRoot.word.defaultPolicy, writePolicy(arena, policy));
  return { arena, at, clock, names };
}

/** @throws AttachError */
export function openMachine(arena: Arena, handle: StateMachineHandle): MachineMemory {
  const { at, lengthBytes } = arena.openObject(machineRoot, handle);
  const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
  const endpoints = read(machineRoot.word.endpoints);
  const cellBytes = cellBytesOf(read(machineRoot.word.implementation));
  check('length in bytes', lengthBytes, machineRoot.bytes + endpoints * cellBytes);
  check('cells', read(machineRoot.word.cells), at + machineRoot.bytes);
  const clock = CoarseClock.attach(
    arena.objectHandle('shared-memory/coarse-clock', read(machineRoot.word.clock)),
    arena,
  );
  const names = NameTable.attach(
    arena.objectHandle('shared-memory/name-table', read(machineRoot.word.names)),
    arena,
  );
  check('capacity of the name table', names.capacity, endpoints);
  readPolicy(arena, read(machineRoot.word.defaultPolicy));
  return { arena, at, clock, names };
}

function check(what: string, found: number, expected: number): void {
  if (found !== expected) throw new AttachError(machineRoot.name, what, found, expected);
}
