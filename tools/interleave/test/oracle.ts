// A second, naive explorer of little programs, sharing no code with the search: no twin, no replay, no reduction, no symmetry.
// What it finds, the search must find.

/** [operation, word, a, b]. `skipIf a`: skips the next instruction where the last result was a. */
export type Instruction = readonly [
  op: 'load' | 'store' | 'add' | 'cas' | 'get' | 'set' | 'wait' | 'notify' | 'skipIf',
  word: number,
  a: number,
  b: number,
];
export type Program = readonly Instruction[];

interface Thread {
  pc: number;
  results: number[];
  parked: boolean;
}

export interface Found {
  /** Memory and results of all ends, as JSON. */
  ends: Set<string>;
  /** Values of words 0 and 1 in all states. */
  values: Set<string>;
  deadlock: boolean;
  race: boolean;
}

const WORDS = 3;
const isWrite = ([op]: Instruction): boolean => ['store', 'add', 'cas', 'set'].includes(op);
const isPlain = ([op]: Instruction): boolean => op === 'get' || op === 'set';

function choose(of: number[], count: number): number[][] {
  if (count === 0) return [[]];
  return of.flatMap((first, i) => choose(of.slice(i + 1), count - 1).map((rest) => [first, ...rest]));
}

export function enumerate(programs: readonly Program[], preemptions = Infinity): Found {
  const found: Found = { ends: new Set(), values: new Set(), deadlock: false, race: false };
  const seen = new Set<string>();
  /** Skips are no steps of their own: a thread always stands before an access, or at its end. */
  const settle = (k: number, thread: Thread): Instruction | undefined => {
    for (;;) {
      const next = programs[k]![thread.pc];
      if (next?.[0] !== 'skipIf') return next;
      thread.pc += (thread.results.at(-1) ?? 0) === next[2] ? 2 : 1;
    }
  };
  const visit = (memory: number[], threads: Thread[], last: number, used: number): void => {
    const next = threads.map((thread, k) => settle(k, thread));
    const key = JSON.stringify([memory, threads, last, used]);
    if (seen.has(key)) return;
    seen.add(key);
    found.values.add(`${memory[0]!},${memory[1]!}`);
    if (next.every((instruction) => instruction === undefined)) {
      found.ends.add(JSON.stringify([memory, threads.map((thread) => thread.results)]));
      return;
    }
    const ready = next.map((instruction, k) => instruction !== undefined && !threads[k]!.parked);
    for (const [i, one] of next.entries())
      for (const [j, other] of next.entries())
        if (
          i < j &&
          ready[i] &&
          ready[j] &&
          one![1] === other![1] &&
          one![0] !== 'notify' &&
          other![0] !== 'notify'
        )
          if ((isPlain(one!) || isPlain(other!)) && (isWrite(one!) || isWrite(other!))) found.race = true;
    let enabled = 0;
    for (const [k, instruction] of next.entries()) {
      if (!instruction) continue;
      const [op, word, a, b] = instruction;
      if (threads[k]!.parked && b < 0) continue;
      enabled++;
      const preempts = last >= 0 && last !== k && ready[last]! ? 1 : 0;
      if (used + preempts > preemptions) continue;
      const go = (
        change: (memory: number[], threads: Thread[], self: Thread) => number | undefined,
      ): void => {
        const after = [...memory];
        const others = threads.map((thread) => ({ ...thread, results: [...thread.results] }));
        const self = others[k]!;
        const result = change(after, others, self);
        if (result !== undefined) {
          self.results.push(result);
          self.pc++;
          self.parked = false;
        }
        visit(after, others, preemptions === Infinity ? -1 : k, used + preempts);
      };
      const before = memory[word]!;
      if (threads[k]!.parked) go(() => 2);
      else if (op === 'wait')
        go((_, __, self) => {
          if (before !== a) return 1;
          self.parked = true;
          return undefined;
        });
      else if (op === 'notify') {
        const waiters = threads.flatMap((thread, j) => (thread.parked && next[j]![1] === word ? [j] : []));
        for (const woken of choose(waiters, a < 0 ? waiters.length : Math.min(a, waiters.length)))
          go((_, others) => {
            for (const j of woken) {
              others[j]!.results.push(0);
              others[j]!.pc++;
              others[j]!.parked = false;
            }
            return woken.length;
          });
      } else
        go((after) => {
          if (op === 'store' || op === 'set') after[word] = a;
          if (op === 'add') after[word] = before + a;
          if (op === 'cas' && before === a) after[word] = b;
          return op === 'store' || op === 'set' ? 0 : before;
        });
    }
    if (enabled === 0) found.deadlock = true;
  };
  visit(
    Array.from({ length: WORDS }, () => 0),
    programs.map(() => ({ pc: 0, results: [], parked: false })),
    -1,
    0,
  );
  return found;
}
