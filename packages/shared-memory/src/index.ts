export { Arena, type ArenaHandle, type ArenaOptions, type ObjectHandle } from './arena.ts';
export { bits, type BitField, type Bits } from './bits.ts';
export {
  TickerDiedError,
  TickerRunningError,
  type ClockTicker,
  type TickerEnd,
  type TickerOptions,
} from './clock-ticker.ts';
export { CoarseClock, type CoarseClockHandle, type CoarseClockOptions } from './coarse-clock.ts';
export { describe, type DescribeOptions } from './describe.ts';
export {
  ArenaExhaustedError,
  ArgumentRangeError,
  AttachError,
  LayoutError,
  SharedMemoryError,
} from './errors.ts';
export {
  assertNoFalseSharing,
  falseSharing,
  FalseSharingError,
  type FalseSharing,
  type FalseSharingOptions,
  type SharedField,
} from './false-sharing.ts';
export {
  idleStrategy,
  type IdleKind,
  type IdleOptions,
  type IdleStatistics,
  type IdleStrategy,
} from './idle.ts';
export { instantiateKernel, KernelError, type KernelSource, type SharedWasmMemory } from './kernel.ts';
export { amount, parkerWords, tally } from './layout.ts';
export { Parker, type ParkerHandle } from './parker.ts';
export { ParkingSpot, type ParkAsyncOptions, type ParkOutcome } from './parking-spot.ts';
export {
  alignUp,
  atomic,
  guarded,
  immutable,
  LINE_BYTES,
  ownerOnly,
  root,
  struct,
  type AccessClass,
  type Field,
  type FieldKind,
  type FieldOptions,
  type PlacedField,
  type RootFields,
  type Struct,
} from './struct.ts';
export { NamesExhaustedError, NameTable, type NameTableHandle, type NameTableOptions } from './name-table.ts';
export { addAmount, addTally, readAmount, readTally, repairTally } from './tally.ts';
export type { IdleHost } from './spinner.ts';
