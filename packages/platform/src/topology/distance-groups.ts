/** Groups of nodes that are nearer to each other than to the rest, level by level, found as hwloc finds them: by exact distances. */
import type { CpuSet } from '../machine/cpu-set.ts';

export interface Distances {
  /** What is near to each node (or, further up, to each group of nodes). */
  readonly cpus: readonly CpuSet[];
  /** A row for each, in the same order. */
  readonly rows: readonly (readonly number[])[];
}

/**
 * Calls `accept` with the CPUs of every group, inner levels first, and stops above a level of which one was refused.
 * Distances that are not symmetric, or not least to oneself, make no groups.
 */
export function groupByDistance(found: Distances, accept: (cpus: CpuSet) => boolean): void {
  const { length } = found.rows;
  for (let i = 0; i < length; i++)
    for (let j = i + 1; j < length; j++)
      if (at(found, i, j) !== at(found, j, i) || at(found, i, j) <= at(found, i, i)) return;
  let level: Distances | undefined = found;
  while (level !== undefined && level.rows.length > 2) level = nextLevel(level, accept);
}

function nextLevel(level: Distances, accept: (cpus: CpuSet) => boolean): Distances | undefined {
  const groups = connected(level);
  if (groups.length === 0 || (groups.length === 1 && groups[0]?.length === level.rows.length))
    return undefined;
  const cpus = groups.map((group) =>
    [...new Set(group.flatMap((index) => [...(level.cpus[index] ?? [])]))].toSorted((a, b) => a - b),
  );
  const accepted = cpus.map((set) => set.length > 0 && accept(set));
  if (accepted.includes(false)) return undefined;
  const mean = (a: readonly number[], b: readonly number[]): number => {
    const sum = a.reduce((total, i) => b.reduce((row, j) => row + at(level, i, j), total), 0);
    return Math.floor(sum / (a.length * b.length));
  };
  return { cpus, rows: groups.map((a) => groups.map((b) => mean(a, b))) };
}

/**
 * Several that are connected through pairs at the least distance of all. As in hwloc, each round looks again only from the first
 * that the round before found, so a chain that runs backwards through the numbers is cut: 0–3–2–1 gives 0, 2, 3.
 */
function connected(level: Distances): number[][] {
  const { length } = level.rows;
  let least = Infinity;
  for (let i = 0; i < length; i++)
    for (let j = 0; j < length; j++) if (i !== j) least = Math.min(least, at(level, i, j));
  const free = new Set(level.rows.keys());
  const groups: number[][] = [];
  for (let start = 0; start < length; start++) {
    if (!free.delete(start)) continue;
    const group = new Set([start]);
    for (let from = start, next = -1; from >= 0; from = next, next = -1)
      for (let i = from; i < length; i++) {
        if (!group.has(i)) continue;
        for (const j of free) {
          if (at(level, i, j) !== least) continue;
          free.delete(j);
          group.add(j);
          if (next < 0) next = j;
        }
      }
    if (group.size > 1) groups.push([...group]);
  }
  return groups;
}

function at({ rows }: Distances, i: number, j: number): number {
  return rows[i]?.[j] ?? Infinity;
}
