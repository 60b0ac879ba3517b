// Memory for payloads that are larger than a slot, as JavaScript sees it. Who takes and frees blocks is in kernel/slab.ts.
import { alignUp, type Arena, AttachError, LINE_BYTES } from '@corelane/shared-memory';
import { GRANULE_BYTES, MAX_CLASSES, slabBlock, slabClass, slabLink, slabRoot } from './layout.ts';

export interface SlabOptions {
  /** Bytes of the largest payload. */
  readonly payloadBytes: number;
  /** Bytes of all blocks together, at least those of two of the largest. */
  readonly memoryBytes: number;
}

const WORD = slabRoot.word;
const { granule: GRANULE, sizeClass: SIZE_CLASS } = slabBlock.field;

/** The smallest class whose blocks have so many bytes. */
export function classFor(bytes: number): number {
  return bytes <= GRANULE_BYTES ? 0 : 32 - Math.clz32((bytes - 1) >>> Math.log2(GRANULE_BYTES));
}

/** Bytes of the blocks of a class. */
export function blockBytes(sizeClass: number): number {
  return GRANULE_BYTES * 2 ** sizeClass;
}

interface Shape {
  readonly granules: number;
  readonly classes: number;
  readonly linksAt: number;
  readonly blocksAt: number;
  readonly lengthBytes: number;
}

function shapeFor(at: number, granules: number, classes: number): Shape {
  const linksAt = at + slabRoot.bytes + classes * slabClass.bytes;
  const blocksAt = alignUp(linksAt + granules * slabLink.bytes, LINE_BYTES);
  return { granules, classes, linksAt, blocksAt, lengthBytes: blocksAt + granules * GRANULE_BYTES - at };
}

function shapeOf({ payloadBytes, memoryBytes }: SlabOptions): Shape {
  return shapeFor(0, Math.ceil(memoryBytes / GRANULE_BYTES), classFor(payloadBytes) + 1);
}

export class Slab {
  readonly at: number;
  readonly #shape: Shape;

  private constructor(at: number, shape: Shape) {
    this.at = at;
    this.#shape = shape;
  }

  /** Bytes of arena that it takes. */
  static bytesFor(options: SlabOptions): number {
    return shapeOf(options).lengthBytes;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena, options: SlabOptions): Slab {
    const { granules, classes, lengthBytes } = shapeOf(options);
    const at = arena.createObject(slabRoot, lengthBytes);
    const shape = shapeFor(at, granules, classes);
    const root = at >> 2;
    arena.i32[root + WORD.granules] = granules;
    arena.i32[root + WORD.classes] = classes;
    arena.i32[root + WORD.linksAt] = shape.linksAt;
    arena.i32[root + WORD.blocksAt] = shape.blocksAt;
    // Small blocks must not use up everything, since they are never merged: there is always room for one of each larger size.
    for (let sizeClass = 0; sizeClass < classes; sizeClass++) {
      const larger = 2 ** classes - 2 ** (sizeClass + 1);
      const word = ((at + slabRoot.bytes + sizeClass * slabClass.bytes) >> 2) + slabClass.word.most;
      arena.i32[word] = granules - larger;
    }
    return new Slab(at, shape);
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number): Slab {
    const { lengthBytes } = arena.openObject(slabRoot, arena.objectHandle(slabRoot.name, at));
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const granules = read(WORD.granules);
    const classes = read(WORD.classes);
    if (granules < 1 || granules > GRANULE.mask)
      throw new AttachError(slabRoot.name, 'granules', granules, `1 to ${GRANULE.mask}`);
    if (classes < 1 || classes > MAX_CLASSES)
      throw new AttachError(slabRoot.name, 'classes', classes, `1 to ${MAX_CLASSES}`);
    const shape = shapeFor(at, granules, classes);
    for (const field of ['linksAt', 'blocksAt'] as const)
      if (read(WORD[field]) !== shape[field])
        throw new AttachError(slabRoot.name, field, read(WORD[field]), shape[field]);
    if (lengthBytes !== shape.lengthBytes)
      throw new AttachError(slabRoot.name, 'length in bytes', lengthBytes, shape.lengthBytes);
    return new Slab(at, shape);
  }

  /** Bytes of all blocks together. */
  get memoryBytes(): number {
    return this.#shape.granules * GRANULE_BYTES;
  }

  /** Bytes that blocks have been cut from so far. */
  usedBytes(arena: Arena): number {
    return Atomics.load(arena.i32, (this.at >> 2) + WORD.cut) * GRANULE_BYTES;
  }

  /** Address of a block, as a slot names it, or -1 where there is no such block or it has less than `bytes`. */
  addressOf(block: number, bytes: number): number {
    const granule = ((block >>> GRANULE.shift) & GRANULE.mask) - 1;
    const sizeClass = (block >>> SIZE_CLASS.shift) & SIZE_CLASS.mask;
    const { granules, classes, blocksAt } = this.#shape;
    if (granule < 0 || sizeClass >= classes || granule + 2 ** sizeClass > granules) return -1;
    return bytes <= blockBytes(sizeClass) ? blocksAt + granule * GRANULE_BYTES : -1;
  }

  /** Whether an address is of a block. */
  holds(address: number): boolean {
    const { blocksAt, granules } = this.#shape;
    return address >= blocksAt && address < blocksAt + granules * GRANULE_BYTES;
  }
}
