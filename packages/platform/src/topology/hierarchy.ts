/**
 * Nests sets of CPUs in the order in which they are found. Two sets are apart, or one holds the other; a set that overlaps with
 * an earlier one is refused, so files that contradict each other still give a tree. This is hwloc's rule: the first one wins.
 *
 * Tried and rejected: comparing every new set with every known one (a machine of 4096 CPUs has 30 000 sets).
 */
import type { CpuSet } from '../machine/cpu-set.ts';

/** `known`: the same set was found before, as an object of another or the same kind. */
type Insertion = 'new' | 'known' | 'overlap';

/** Machines have about ten levels; the limit bounds what a made-up tree can cost. Deeper sets are refused as if they overlapped. */
const MAX_DEPTH = 64;

interface Place {
  readonly cpus: CpuSet;
  parent: Place | undefined;
  readonly kinds: Set<string>;
}

export class Hierarchy {
  readonly #root: Place;
  readonly #innermost: Map<number, Place>;
  readonly #places: Place[] = [];

  /** @param cpus every CPU there is; sets hold no others. */
  constructor(cpus: CpuSet) {
    this.#root = { cpus, parent: undefined, kinds: new Set() };
    this.#innermost = new Map(cpus.map((cpu) => [cpu, this.#root]));
  }

  /** `known` is told only of the same kind: a core and its cache are two objects with one set. Of no CPU: `overlap`. */
  insert(cpus: CpuSet, kind: string): Insertion {
    const outer = this.#outer(cpus);
    if (outer === undefined) return 'overlap';
    if (outer.cpus.length === cpus.length) {
      const answer = outer.kinds.has(kind) ? 'known' : 'new';
      outer.kinds.add(kind);
      return answer;
    }
    const inner = isDeep(outer) ? undefined : this.#childrenWithin(outer, cpus);
    if (inner === undefined) return 'overlap';
    const place: Place = { cpus, parent: outer, kinds: new Set([kind]) };
    this.#places.push(place);
    for (const child of inner) child.parent = place;
    for (const cpu of cpus) if (this.#innermost.get(cpu) === outer) this.#innermost.set(cpu, place);
    return 'new';
  }

  /** All CPUs, neighbours sharing as much as possible; of what is side by side, the one with the lowest CPU first. */
  order(): number[] {
    const children = new Map<Place, { first: number; place: Place | undefined }[]>();
    const add = (parent: Place, first: number, place: Place | undefined): void => {
      const own = children.get(parent);
      if (own === undefined) children.set(parent, [{ first, place }]);
      else own.push({ first, place });
    };
    for (const place of this.#places)
      if (place.parent !== undefined) add(place.parent, place.cpus[0] ?? 0, place);
    for (const [cpu, place] of this.#innermost) add(place, cpu, undefined);
    const found: number[] = [];
    const walk = (place: Place): void => {
      for (const child of (children.get(place) ?? []).toSorted((a, b) => a.first - b.first)) {
        if (child.place === undefined) found.push(child.first);
        else walk(child.place);
      }
    };
    walk(this.#root);
    return found;
  }

  /** The smallest set that holds all of these; the machine where none does. */
  covering(cpus: CpuSet): CpuSet {
    return (this.#outer(cpus) ?? this.#covering(cpus)).cpus;
  }

  /** The place that has these CPUs or just more of them. `undefined` where a set of that size overlaps with them. */
  #outer(cpus: CpuSet): Place | undefined {
    let place = this.#innermost.get(cpus[0] ?? -1);
    while (place !== undefined && place.cpus.length < cpus.length) place = place.parent;
    return place !== undefined && holds(place.cpus, cpus) ? place : undefined;
  }

  #covering(cpus: CpuSet): Place {
    let place = this.#innermost.get(cpus[0] ?? -1) ?? this.#root;
    while (place.parent !== undefined && !holds(place.cpus, cpus)) place = place.parent;
    return place;
  }

  /** The children of `outer` that `cpus` takes in whole; `undefined` where it would split one. */
  #childrenWithin(outer: Place, cpus: CpuSet): Place[] | undefined {
    const taken = new Map<Place, number>();
    for (const cpu of cpus) {
      let child: Place | undefined;
      let steps = 0;
      for (let at = this.#innermost.get(cpu); at !== outer; at = at.parent) {
        if (at === undefined || ++steps > MAX_DEPTH) return undefined;
        child = at;
      }
      if (child !== undefined) taken.set(child, (taken.get(child) ?? 0) + 1);
    }
    for (const [child, count] of taken) if (count !== child.cpus.length) return undefined;
    return [...taken.keys()];
  }
}

function isDeep(place: Place): boolean {
  let depth = 0;
  for (let at: Place | undefined = place; at !== undefined; at = at.parent)
    if (++depth > MAX_DEPTH) return true;
  return false;
}

/** Both ascending. */
export function holds(outer: CpuSet, inner: CpuSet): boolean {
  let at = 0;
  for (const cpu of inner) {
    while (at < outer.length && (outer[at] ?? 0) < cpu) at++;
    if (outer[at] !== cpu) return false;
  }
  return true;
}
