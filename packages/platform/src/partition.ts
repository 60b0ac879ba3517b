/** Splits CPUs into groups by what each CPU says of itself. */
import type { CpuSet } from './cpu-set.ts';
import { ascending } from './cpu-set.ts';

/** A group as found, over all online CPUs, before any restriction. */
export interface RawGroup {
  /** The kernel's number. */
  readonly os: number | null;
  readonly cpus: CpuSet;
}

/**
 * The lowest CPU of a group speaks for it: what it claims is not asked again. So files that contradict each other still give
 * groups without overlap, and the work is bounded by one set a group. CPUs for which `claim` has no answer are in no group.
 */
export function partition(
  cpus: CpuSet,
  claim: (cpu: number) => Iterable<number> | undefined,
  osNumber: (cpu: number) => number | null,
): RawGroup[] {
  const free = new Set(cpus);
  const groups: RawGroup[] = [];
  for (const cpu of cpus) {
    if (!free.has(cpu)) continue;
    const claimed = claim(cpu);
    if (claimed === undefined) continue;
    free.delete(cpu);
    const members = [cpu];
    for (const other of claimed) if (free.delete(other)) members.push(other);
    groups.push({ os: osNumber(cpu), cpus: members.toSorted(ascending) });
  }
  return groups;
}

function sameCpus(a: CpuSet, b: CpuSet): boolean {
  return a.length === b.length && a.every((cpu, index) => cpu === b[index]);
}

/** Keeps the groups that are more than one CPU and no copy of a group of `others`: a level that says nothing new is no level. */
export function distinct(
  groups: readonly RawGroup[],
  ...others: readonly (readonly RawGroup[])[]
): RawGroup[] {
  const known = new Map<number, CpuSet[]>();
  for (const group of others.flat()) {
    const first = group.cpus[0] ?? -1;
    known.set(first, [...(known.get(first) ?? []), group.cpus]);
  }
  return groups.filter(
    ({ cpus }) => cpus.length > 1 && !known.get(cpus[0] ?? -1)?.some((other) => sameCpus(cpus, other)),
  );
}
