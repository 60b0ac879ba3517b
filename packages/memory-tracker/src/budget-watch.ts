// Waits, without blocking, for what becomes of the limits of tags on any thread.
import { ParkingSpot } from '@corelane/shared-memory';
import { trackerRoot } from './layout.ts';
import type { TagBudget, TagMemory } from './snapshot.ts';
import type { TrackerTable } from './table.ts';

export interface BudgetWatchOptions {
  readonly signal?: AbortSignal;
  /** Keeps the event loop alive while it waits; false by default. */
  readonly ref?: boolean;
}

/** A tag whose soft limit was crossed, either way, or whose hard limit has refused something. */
export interface BudgetChange {
  readonly tag: string;
  /** What is held now. */
  readonly currentBytes: number;
  readonly budget: TagBudget;
  /** Crossings of the soft limit upwards since the last element about this tag. */
  readonly softCrossings: number;
  /** Refusals since the last element about this tag. */
  readonly refusals: number;
}

/** What a watch compares. */
export interface TagState {
  readonly tag: string;
  readonly alarm: number;
  readonly recoveries: number;
  readonly refusals: number;
  readonly read: () => TagMemory;
}

export function watchBudgets(
  table: TrackerTable,
  states: () => readonly TagState[],
  options: BudgetWatchOptions,
): AsyncGenerator<BudgetChange, never, void> {
  const spot = ParkingSpot.over(table.arena, table.at + trackerRoot.offset.budgetSpot);
  // Now, where a generator begins with its first element.
  return changesSince(new Map(states().map((state) => [state.tag, state])), spot, states, options);
}

async function* changesSince(
  known: Map<string, TagState>,
  spot: ParkingSpot,
  states: () => readonly TagState[],
  { signal, ref = false }: BudgetWatchOptions,
): AsyncGenerator<BudgetChange, never, void> {
  while (true) {
    signal?.throwIfAborted();
    const sequence = spot.prepare();
    const changed: BudgetChange[] = [];
    for (const state of states()) {
      const before = known.get(state.tag) ?? { alarm: 0, recoveries: 0, refusals: 0 };
      if (
        before.alarm === state.alarm &&
        before.recoveries === state.recoveries &&
        before.refusals === state.refusals
      )
        continue;
      known.set(state.tag, state);
      const { tag, currentBytes, budget } = state.read();
      const softCrossings = ((state.alarm + 1) >>> 1) - ((before.alarm + 1) >>> 1);
      const refusals = (state.refusals - before.refusals) >>> 0;
      if (budget !== null) changed.push({ tag, currentBytes, budget, softCrossings, refusals });
    }
    if (changed.length === 0)
      await spot.parkAsync(sequence, { ref, ...(signal !== undefined && { signal }) });
    yield* changed;
  }
}
