export {
  Arena,
  type ArenaHandle,
  type ArenaOptions,
  type ObjectHandle,
  type SharedWasmMemory,
} from './arena.ts';
export { bits, type BitField, type Bits } from './bits.ts';
export {
  ArenaExhaustedError,
  ArgumentRangeError,
  AttachError,
  LayoutError,
  SharedMemoryError,
} from './errors.ts';
export { instantiateKernel, KernelError, type KernelSource } from './kernel.ts';
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
