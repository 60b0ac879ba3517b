// Names that all threads agree on: a name is interned once and has the same small index on every thread, which then indexes
// cells, series or tags. Interning a name that this thread knows is a Map lookup; the shared list is only walked for new ones.
import { Arena, type ObjectHandle } from './arena.ts';
import { ArgumentRangeError, AttachError, SharedMemoryError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { nameRecord, nameTableRoot } from './layout.ts';
import { alignUp } from './struct.ts';

export type NameTableHandle = ObjectHandle<'shared-memory/name-table'>;

export interface NameTableOptions {
  /** Names at most. */
  readonly capacity: number;
  /** Bytes of UTF-8 a name may have; 96 by default. */
  readonly maxNameBytes?: number;
}

/** All indices are taken. The table is as it was. */
export class NamesExhaustedError extends SharedMemoryError {
  override readonly name = 'NamesExhaustedError';
  readonly capacity: number;

  constructor(wanted: string, capacity: number) {
    super('ERR_NAMES_EXHAUSTED', `no room for ${JSON.stringify(wanted)}: all ${capacity} names are taken`);
    this.capacity = capacity;
  }
}

/** Spare records for threads that prepared one and lost the race to link it; each loser keeps its record for its next name. */
const SPARE_RECORDS = 64;
const MAX_CAPACITY = 1 << 20;
const MAX_NAME_BYTES = 4096;

export class NameTable {
  readonly handle: NameTableHandle;
  readonly capacity: number;
  readonly maxNameBytes: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #root: number;
  readonly #indices = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  /** The record whose name this thread knows as the newest: older ones are in the Map. */
  #seen = 0;
  /** A claimed record that lost its race. */
  #spare = 0;

  private constructor(arena: Arena, at: number, capacity: number, maxNameBytes: number) {
    this.#arena = arena;
    this.#root = at;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.capacity = capacity;
    this.maxNameBytes = maxNameBytes;
    this.handle = arena.objectHandle(nameTableRoot.name as NameTableHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: NameTableOptions): NameTable {
    const { capacity, maxNameBytes = 96 } = options;
    checkRange('capacity', capacity, 1, MAX_CAPACITY);
    checkRange('maxNameBytes', maxNameBytes, 1, MAX_NAME_BYTES);
    const records = capacity + SPARE_RECORDS;
    const at = arena.createObject(nameTableRoot, lengthFor(records, maxNameBytes));
    const base = at >> 2;
    arena.i32[base + nameTableRoot.word.capacity] = capacity;
    arena.i32[base + nameTableRoot.word.maxNameBytes] = maxNameBytes;
    arena.i32[base + nameTableRoot.word.records] = records;
    return new NameTable(arena, at, capacity, maxNameBytes);
  }

  /** @throws AttachError */
  static attach(handle: NameTableHandle, arena: Arena = Arena.attach(handle?.arena)): NameTable {
    const { at, lengthBytes } = arena.openObject(nameTableRoot, handle);
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const capacity = read(nameTableRoot.word.capacity);
    const maxNameBytes = read(nameTableRoot.word.maxNameBytes);
    const expected = lengthFor(read(nameTableRoot.word.records), maxNameBytes);
    if (expected !== lengthBytes)
      throw new AttachError(nameTableRoot.name, 'length in bytes', lengthBytes, expected);
    return new NameTable(arena, at, capacity, maxNameBytes);
  }

  /** Names in the table, on any thread. */
  get size(): number {
    this.#learn();
    return this.#names.length;
  }

  /**
   * The index of a name, the same on every thread: dense, from 0. A new name is entered.
   * @throws NamesExhaustedError where the table is full, ArgumentRangeError where the name is empty or too long
   */
  intern(name: string): number {
    const known = this.find(name);
    if (known >= 0) return known;
    if (typeof name !== 'string' || !name.isWellFormed())
      throw new ArgumentRangeError('name', name, 'a string of well-formed Unicode');
    const bytes = Buffer.from(name, 'utf8');
    if (bytes.length === 0 || bytes.length > this.maxNameBytes)
      throw new ArgumentRangeError(
        'length of name',
        bytes.length,
        `1 to ${this.maxNameBytes} bytes of UTF-8`,
      );
    if (this.#names.length >= this.capacity) throw new NamesExhaustedError(name, this.capacity);
    const record = this.#claimRecord(name);
    this.#writeRecord(record, bytes);
    const linked = this.#kernel.linkName(this.#root, record, this.#seen);
    if (linked < 0) this.#spare = record;
    if (linked === -1) throw new NamesExhaustedError(name, this.capacity);
    const index = linked >= 0 ? linked : -2 - linked;
    this.#learn();
    return index;
  }

  /** The index of a name, or -1 where no thread has entered it. */
  find(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    this.#learn();
    return this.#indices.get(name) ?? -1;
  }

  /** @throws ArgumentRangeError where no name has this index */
  nameOf(index: number): string {
    if (this.#names[index] === undefined) this.#learn();
    const name = this.#names[index];
    if (name === undefined)
      throw new ArgumentRangeError('index', index, `an index below ${this.#names.length}`);
    return name;
  }

  /** All names by index. */
  names(): readonly string[] {
    this.#learn();
    return this.#names as string[];
  }

  /** Takes over what other threads have linked since the last look. */
  #learn(): void {
    const { i32, u8 } = this.#arena;
    // observe: pairs with the CAS in linkName; the records behind it are immutable.
    const head = Atomics.load(i32, (this.#root >> 2) + nameTableRoot.word.head);
    for (let at = head; at !== this.#seen && at !== 0;) {
      const base = at >> 2;
      const start = at + nameRecord.bytes;
      const length = i32[base + nameRecord.word.lengthBytes] as number;
      const index = i32[base + nameRecord.word.index] as number;
      const name = Buffer.from(u8.subarray(start, start + length)).toString('utf8');
      this.#indices.set(name, index);
      this.#names[index] = name;
      at = i32[base + nameRecord.word.next] as number;
    }
    this.#seen = head;
  }

  #claimRecord(name: string): number {
    if (this.#spare !== 0) {
      const spare = this.#spare;
      this.#spare = 0;
      return spare;
    }
    const { i32 } = this.#arena;
    const records = i32[(this.#root >> 2) + nameTableRoot.word.records] as number;
    const word = (this.#root >> 2) + nameTableRoot.word.claimed;
    while (true) {
      const claimed = Atomics.load(i32, word);
      if (claimed >= records) throw new NamesExhaustedError(name, this.capacity);
      // pairs with the same CAS on another thread: the winner owns the record until it links it.
      if (Atomics.compareExchange(i32, word, claimed, claimed + 1) === claimed)
        return this.#root + nameTableRoot.bytes + claimed * strideFor(this.maxNameBytes);
    }
  }

  #writeRecord(record: number, name: Uint8Array): void {
    const { i32, u8 } = this.#arena;
    const start = record + nameRecord.bytes;
    u8.fill(0, start, start + alignUp(this.maxNameBytes, 4));
    u8.set(name, start);
    i32[(record >> 2) + nameRecord.word.lengthBytes] = name.length;
    let hash = 0x811c9dc5;
    for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
    i32[(record >> 2) + nameRecord.word.hash] = hash;
  }
}

function strideFor(maxNameBytes: number): number {
  return nameRecord.bytes + alignUp(maxNameBytes, 4);
}

function lengthFor(records: number, maxNameBytes: number): number {
  return nameTableRoot.bytes + records * strideFor(maxNameBytes);
}

function checkRange(argument: string, found: number, least: number, most: number): void {
  if (!Number.isInteger(found) || found < least || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from ${least} to ${most}`);
}
