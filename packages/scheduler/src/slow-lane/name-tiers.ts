// The tier of each name of a task, in shared memory: what all its tasks have shown so far. Workers move it, one tier at a time; clients look where a new task is to go.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { nameTier, nameTiersRoot, TIER_ISOLATE } from '../layout.ts';

export class NameTiers {
  readonly at: number;
  readonly names: number;
  readonly #i32: Int32Array;
  readonly #first: number;

  private constructor(arena: Arena, at: number, names: number) {
    this.at = at;
    this.names = names;
    this.#i32 = arena.i32;
    this.#first = (at + nameTiersRoot.bytes) >> 2;
  }

  static bytesFor(names: number): number {
    return nameTiersRoot.bytes + names * nameTier.bytes;
  }

  /** All of them in tier 0. @throws ArenaExhaustedError */
  static create(arena: Arena, names: number): NameTiers {
    const at = arena.createObject(nameTiersRoot, NameTiers.bytesFor(names));
    arena.i32[(at >> 2) + nameTiersRoot.word.names] = names;
    return new NameTiers(arena, at, names);
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number): NameTiers {
    const { lengthBytes } = arena.openObject(nameTiersRoot, arena.objectHandle(nameTiersRoot.name, at));
    const names = arena.i32[(at >> 2) + nameTiersRoot.word.names] as number;
    const expected = NameTiers.bytesFor(names);
    if (lengthBytes !== expected)
      throw new AttachError(nameTiersRoot.name, 'length in bytes', lengthBytes, expected);
    return new NameTiers(arena, at, names);
  }

  /** 0 to TIER_ISOLATE, by the index of a name. */
  of(name: number): number {
    return Atomics.load(this.#i32, this.#first + name); // observe: pairs with move. A hint: nothing else goes by it.
  }

  /** Moves a name by one tier. @returns false where it is not in `from` any more: somebody else has moved it */
  move(name: number, from: number, to: number): boolean {
    if (Math.abs(from - to) !== 1 || to < 0 || to > TIER_ISOLATE)
      throw new RangeError(`from tier ${from} to ${to}, expected the next one of 0 to ${TIER_ISOLATE}`);
    return Atomics.compareExchange(this.#i32, this.#first + name, from, to) === from; // publish: pairs with of
  }
}
