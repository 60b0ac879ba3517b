// Tiers of tasks by their names: one history for all workers, in shared memory. PROTOCOL.md, "Tiers of names".
import { ArgumentRangeError, AttachError, type Arena } from '@corelane/shared-memory';
import type { KernelExports } from '../kernel.generated.ts';
import { tierCell, tiersRoot } from '../layout.ts';
import { beginTierRecord, changesIn } from './tier-machine.ts';
import type { TierRules } from './tier-table.ts';

type Kernel = Pick<KernelExports, 'takeTier' | 'giveTier' | 'seizeTier' | 'tierOf'>;

const RECORD = tierCell.offset.record;

export class NameTiers {
  readonly at: number;
  /** Names that there is room for. */
  readonly names: number;
  /** Of all cells. */
  readonly f64: Float64Array;
  readonly kernel: Kernel;

  private constructor(arena: Arena, at: number, names: number, kernel: Kernel) {
    this.at = at;
    this.names = names;
    this.f64 = arena.f64;
    this.kernel = kernel;
  }

  static bytesFor(names: number): number {
    return tiersRoot.bytes + names * tierCell.bytes;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena, names: number, kernel: Kernel): NameTiers {
    const at = arena.createObject(tiersRoot, NameTiers.bytesFor(names));
    arena.i32[(at >> 2) + tiersRoot.word.names] = names;
    return new NameTiers(arena, at, names, kernel);
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number, kernel: Kernel): NameTiers {
    const { lengthBytes } = arena.openObject(tiersRoot, arena.objectHandle(tiersRoot.name, at));
    const names = arena.i32[(at >> 2) + tiersRoot.word.names] as number;
    if (names < 1 || NameTiers.bytesFor(names) !== lengthBytes)
      throw new AttachError(tiersRoot.name, 'names', names, `as many as lie in ${lengthBytes} bytes`);
    return new NameTiers(arena, at, names, kernel);
  }

  /** Address of the cell of a name. */
  cellAt(name: number): number {
    return this.at + tiersRoot.bytes + name * tierCell.bytes;
  }

  /** Index in `f64` of the record of a name. */
  recordAt(name: number): number {
    return (this.cellAt(name) + RECORD) >> 3;
  }

  /** TIER_ ... of a name. Some 5 ns. */
  tierOf(name: number): number {
    return this.kernel.tierOf(this.cellAt(name));
  }

  /** As they are at the moment: another thread may be writing them. @throws ArgumentRangeError */
  changesOf(name: number): { readonly promotions: number; readonly demotions: number } {
    if (!Number.isInteger(name) || name < 0 || name >= this.names)
      throw new ArgumentRangeError('name', name, `an integer from 0 to ${this.names - 1}`);
    return changesIn(this.f64, this.recordAt(name));
  }

  /**
   * Of the owner of the scheduler, when the thread of a worker has ended, and before another one takes its place: a record that it had in hand may be written in part. That begins anew, at the tier
   * that the name has.
   * @returns how many
   */
  mend(party: number, rules: TierRules, nowMs: number): number {
    let mended = 0;
    for (let name = 0; name < this.names; name++) {
      const cell = this.cellAt(name);
      if (this.kernel.seizeTier(cell, party) === 0) continue;
      const at = this.recordAt(name);
      const tier = this.kernel.tierOf(cell);
      beginTierRecord(this.f64, at, rules, nowMs, tier);
      this.kernel.giveTier(cell, tier);
      mended++;
    }
    return mended;
  }
}
