// Tasks that know nothing of checkpoints: a build puts them in. Parsers and a sort of npm come with the bundle.
import { workerData } from 'node:worker_threads';
import { defineTasks } from '@corelane/scheduler/tasks';
import JSON5 from 'json5';
import { sort } from 'timsort';

const words = workerData as Int32Array;

/** Words of the shared memory. */
const ARRIVED = 0;
const GATE = 1;
const FINALLY = 2;

function arrive(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

export const tasks = defineTasks(import.meta.url, {
  /** Of a few instructions. */
  tight(): number {
    arrive();
    let x = 1;
    try {
      while (x !== 0) x = (x * 1_103_515_245 + 12_345) | 1;
    } finally {
      Atomics.add(words, FINALLY, 1);
    }
    return x;
  },
  calling(): void {
    arrive();
    try {
      for (let i = 0; ; i++) Math.hypot(i, Number.parseInt(String(i), 10));
    } finally {
      Atomics.add(words, FINALLY, 1);
    }
  },
  nested(): number {
    arrive();
    let n = 0;
    for (let i = 0; ; i++) for (const _ of [1, 2, 3]) for (let j = 0; j < 7; j++) n += i & j;
  },
  /** The stack never gets deep. */
  recursive(): number {
    arrive();
    const count = (n: number): number => (n === 0 ? 0 : count(n - 1) + count(n - 1));
    return count(80);
  },
  /** Sorts again and again until the gate is open, which only something else can do. */
  sortUntilOpen(length: number): { readonly sorts: number; readonly right: boolean } {
    arrive();
    let sorts = 0;
    let right = true;
    while (Atomics.load(words, GATE) === 0) {
      const list = Array.from({ length }, (_, i) => (i * 7919) % 20_011);
      const expected = list.toSorted((a, b) => a - b);
      sort(list, (a, b) => a - b);
      right &&= list.every((value, i) => value === expected[i]);
      sorts++;
    }
    return { sorts, right };
  },
  parse: (text: string): unknown => JSON5.parse(text),
  openGate(): void {
    Atomics.store(words, GATE, 1);
  },
  double: (n: number): number => 2 * n,
});
