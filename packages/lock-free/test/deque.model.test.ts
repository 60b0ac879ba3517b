// All interleavings of the deque's kernel, with a capacity of 2 and positions that wrap past 2^31.
import {
  explore,
  killsMutants,
  peek,
  phases,
  type Mutant,
  type PhasedThread,
  type Scenario,
} from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Deque from '../kernel/deque.ts';
import * as deque from '../kernel/deque.ts';
import { DEQUE_FIFO, DEQUE_LIFO, DEQUE_PUSHED, DEQUE_RETRY, dequeRoot, dequeSlot } from '../src/layout.ts';

type Kernel = typeof Deque;

/** Of most scenarios: slots are used again soon. */
const CAPACITY = 2;
const MOST_CAPACITY = 4;
const START = 0x7fffffff;
const LENGTH = dequeRoot.bytes + Math.ceil((MOST_CAPACITY * dequeSlot.bytes) / 128) * 128;
/** Up to three deques, one after the other. */
const [A, B, C] = [0, LENGTH, 2 * LENGTH] as const;
const ALL = [A, B, C];

const NAMES = Object.fromEntries(
  ALL.flatMap((at, i) => [
    [at + dequeRoot.offset.top, `${'ABC'[i]}.top`],
    [at + dequeRoot.offset.bottom, `${'ABC'[i]}.bottom`],
    [at + dequeRoot.offset.topSeen, `${'ABC'[i]}.topSeen`],
    ...Array.from({ length: MOST_CAPACITY }, (_, n) => [
      at + dequeRoot.bytes + n * dequeSlot.bytes,
      `${'ABC'[i]}.slot${n}`,
    ]),
  ]),
);

/** What one thread has pushed and got. */
interface Account {
  readonly pushed: readonly number[];
  readonly got: readonly number[];
}
type Act = (account: Account) => Account;

const NOTHING: Account = { pushed: [], got: [] };
const taken = ({ pushed, got }: Account, value: number): Account => ({
  pushed,
  got: value > 0 ? [...got, value] : got,
});
const push =
  (k: Kernel, at: number, value: number): Act =>
  (account) =>
    k.pushDeque(at, value) === DEQUE_PUSHED ? { ...account, pushed: [...account.pushed, value] } : account;
const pop =
  (k: Kernel, at: number): Act =>
  (account) =>
    taken(account, k.popDeque(at));
const steal =
  (k: Kernel, at: number): Act =>
  (account) =>
    taken(account, k.stealDeque(at));
const stealMany =
  (k: Kernel, from: number, to: number, most = CAPACITY): Act =>
  (account) => {
    const count = k.stealManyDeque(from, to, most);
    if (count > most || (count < 0 && count !== DEQUE_RETRY)) throw new Error(`moved ${count}`);
    return account;
  };
/** A thread with a boundary after each act, so that histories with the same accounts merge. */
const thread = (...acts: readonly Act[]): PhasedThread => phases(NOTHING, ...acts);

/** What lies in a deque, oldest first. */
function inside(at: number): number[] {
  const top = peek(at + dequeRoot.offset.top);
  const size = (peek(at + dequeRoot.offset.bottom) - top) | 0;
  const capacity = peek(at + dequeRoot.offset.capacity);
  return Array.from({ length: Math.max(0, Math.min(size, capacity + 1)) }, (_, i) =>
    peek(at + dequeRoot.bytes + ((top + i) & (capacity - 1)) * dequeSlot.bytes),
  );
}

/** Each value that went in was got by one thread, or lies in one deque. */
function conserved(results: readonly unknown[], initially: readonly number[]): string | undefined {
  const accounts = results as readonly Account[];
  const out = [...accounts.flatMap(({ got }) => got), ...ALL.flatMap(inside)].toSorted((a, b) => a - b);
  const put = [...initially, ...accounts.flatMap(({ pushed }) => pushed)].toSorted((a, b) => a - b);
  return out.join() === put.join() ? undefined : `in ${put.join()}, out and left ${out.join()}`;
}

interface Shape {
  readonly capacity?: number;
  readonly order?: number;
  /** What A holds at first. */
  readonly holds?: readonly number[];
}

const scenario = (
  k: Kernel,
  name: string,
  { order = DEQUE_LIFO, holds = [], capacity = CAPACITY }: Shape,
  threads: Scenario['threads'],
  further: (accounts: readonly Account[]) => string | undefined = () => undefined,
): Scenario => ({
  name,
  bytes: 3 * LENGTH,
  names: NAMES,
  setup: () => {
    for (const at of ALL) k.initializeDeque(at, capacity, order, START);
    for (const value of holds) k.pushDeque(A, value);
  },
  threads,
  check: (results) => conserved(results, holds) ?? further(results as readonly Account[]),
});

const lifo = (k: Kernel, thieves: number): Scenario =>
  scenario(k, `push, push, pop, push, pop, pop against ${thieves} thieves of two`, {}, [
    thread(push(k, A, 11), push(k, A, 12), pop(k, A), push(k, A, 13), pop(k, A), pop(k, A)),
    ...Array.from({ length: thieves }, () => thread(steal(k, A), steal(k, A))),
  ]);

const SCENARIOS: ((k: Kernel) => Scenario)[] = [
  (k) => lifo(k, 1),
  (k) => lifo(k, 2),
  (k) =>
    scenario(k, 'a slot used again while a thief is late', {}, [
      thread(push(k, A, 11), pop(k, A), push(k, A, 12), push(k, A, 13), push(k, A, 14)),
      thread(steal(k, A), steal(k, A)),
    ]),
  (k) =>
    scenario(k, 'one value, popped and stolen', { holds: [11] }, [
      thread(pop(k, A), pop(k, A), push(k, A, 12)),
      thread(steal(k, A)),
      thread(steal(k, A)),
    ]),
  (k) =>
    scenario(k, 'an owner who pops where it knows of nothing, while it is robbed', { holds: [11, 12] }, [
      thread(pop(k, A), push(k, A, 13), pop(k, A), pop(k, A), pop(k, A)),
      thread(stealMany(k, A, B), steal(k, A)),
    ]),
  (k) =>
    scenario(k, 'first in, first out: two thieves and the owner take the oldest', { order: DEQUE_FIFO }, [
      thread(push(k, A, 11), push(k, A, 12), steal(k, A), push(k, A, 13)),
      thread(steal(k, A), steal(k, A)),
      thread(stealMany(k, A, B)),
    ]),
  (k) =>
    scenario(
      k,
      'first in, first out: one thief sees the order',
      { order: DEQUE_FIFO, holds: [11, 12] },
      [thread(push(k, A, 13), push(k, A, 14)), thread(steal(k, A), steal(k, A), steal(k, A))],
      (accounts) => {
        const { got } = accounts[1] as Account;
        return got.every((value, i) => i === 0 || value > (got[i - 1] as number))
          ? undefined
          : `got ${got.join()}`;
      },
    ),
  ...[DEQUE_FIFO, DEQUE_LIFO].map(
    (order) =>
      (k: Kernel): Scenario =>
        scenario(k, `two owners move from one deque, order ${order}`, { order, holds: [11, 12] }, [
          thread(stealMany(k, A, B), steal(k, B)),
          thread(stealMany(k, A, C)),
          thread(push(k, A, 13), order === DEQUE_FIFO ? steal(k, A) : pop(k, A)),
        ]),
  ),
  ...[DEQUE_FIFO, DEQUE_LIFO].map(
    (order) =>
      (k: Kernel): Scenario =>
        scenario(k, `who moves is robbed itself, order ${order}`, { order, holds: [11, 12] }, [
          thread(stealMany(k, A, B), stealMany(k, A, B)),
          thread(steal(k, B), steal(k, B)),
          thread(steal(k, A)),
        ]),
  ),
  ...[DEQUE_FIFO, DEQUE_LIFO].map(
    (order) =>
      (k: Kernel): Scenario =>
        scenario(
          k,
          `half of four moved while the owner takes, order ${order}`,
          { order, holds: [11, 12, 13, 14], capacity: 4 },
          [
            thread(...Array.from({ length: 3 }, () => (order === DEQUE_FIFO ? steal(k, A) : pop(k, A)))),
            thread(stealMany(k, A, B, 2)),
          ],
        ),
  ),
  (k) =>
    scenario(k, 'no more is moved than there is room for', { order: DEQUE_FIFO, holds: [11, 12] }, [
      thread(push(k, B, 21), push(k, B, 22), stealMany(k, A, B)),
      thread(steal(k, B)),
    ]),
  (k) => ({
    ...scenario(k, 'with nobody taking, exactly the capacity fits', {}, [
      thread(push(k, A, 1), push(k, A, 2), push(k, A, 3)),
    ]),
    check: ([account]) => {
      const { pushed } = account as Account;
      return pushed.join() === '1,2' ? undefined : `took ${pushed.join()}`;
    },
  }),
  (k) =>
    scenario(k, 'the size stays from 0 to the capacity', { holds: [11] }, [
      thread(pop(k, A), push(k, A, 12), push(k, A, 13)),
      thread(steal(k, A)),
      () => {
        const size = k.dequeSize(A);
        if (size < 0 || size > CAPACITY) throw new Error(`size ${size}`);
        return NOTHING;
      },
    ]),
];

const CAS = 'compareExchange(deque + DEQUE_ROOT_TOP, top, (top + 1) | 0) == top';
const CAS_MANY =
  'if (compareExchange(victim + DEQUE_ROOT_TOP, top, (top + wanted) | 0) != top) return DEQUE_RETRY;';

const MUTANTS: Mutant[] = [
  {
    name: 'push stores the value plainly',
    find: '  store(slotOf(deque, bottom), value);',
    replace: '  set(slotOf(deque, bottom), value);',
    expect: 'race',
  },
  {
    name: 'push publishes the value before it is there',
    find: `  store(slotOf(deque, bottom), value);
  // publish: pairs with observe in stealDeque and takeMany.
  store(deque + DEQUE_ROOT_BOTTOM, (bottom + 1) | 0);`,
    replace: `  store(deque + DEQUE_ROOT_BOTTOM, (bottom + 1) | 0);
  store(slotOf(deque, bottom), value);`,
  },
  {
    name: 'a thief loads the value plainly',
    find: 'const value = load(slotOf(deque, top));',
    replace: 'const value = get(slotOf(deque, top));',
    expect: 'race',
  },
  {
    name: 'a thief loads the value after its claim',
    find: `  const value = load(slotOf(deque, top)); // before the claim: afterwards the owner may use the slot again`,
    replace: `  if (compareExchange(deque + DEQUE_ROOT_TOP, top, (top + 1) | 0) == top) return load(slotOf(deque, top));
  const value = DEQUE_RETRY;
  if (value == DEQUE_RETRY) return value;`,
  },
  {
    name: 'a thief loads bottom before top',
    find: `  const top = load(deque + DEQUE_ROOT_TOP);
  // observe: after \`top\`, and pairs with publish in pushDeque.
  if (((load(deque + DEQUE_ROOT_BOTTOM) - top) | 0) <= 0) return DEQUE_EMPTY;`,
    replace: `  const bottom = load(deque + DEQUE_ROOT_BOTTOM);
  const top = load(deque + DEQUE_ROOT_TOP);
  if (((bottom - top) | 0) <= 0) return DEQUE_EMPTY;`,
  },
  {
    name: 'a thief takes without the exchange',
    find: `return ${CAS} ? value : DEQUE_RETRY;`,
    replace: 'store(deque + DEQUE_ROOT_TOP, (top + 1) | 0);\n  return value;',
  },
  {
    name: 'pop takes the last value without the exchange',
    find: `if (left == 0 && ${CAS})`,
    replace: 'if (left == 0)',
  },
  {
    name: 'pop looks at top before it lowers bottom',
    find: `  store(deque + DEQUE_ROOT_BOTTOM, bottom);
  const top = load(deque + DEQUE_ROOT_TOP);
  set(deque + DEQUE_ROOT_TOP_SEEN, top);
  const left`,
    replace: `  const top = load(deque + DEQUE_ROOT_TOP);
  store(deque + DEQUE_ROOT_BOTTOM, bottom);
  set(deque + DEQUE_ROOT_TOP_SEEN, top);
  const left`,
  },
  {
    name: 'pop of the last value leaves bottom lowered',
    find: '    value = load(slotOf(deque, bottom));\n  store(deque + DEQUE_ROOT_BOTTOM, (bottom + 1) | 0);',
    replace: '    value = load(slotOf(deque, bottom));',
  },
  {
    name: 'many are taken without the exchange',
    find: CAS_MANY,
    replace: 'store(victim + DEQUE_ROOT_TOP, (top + wanted) | 0);',
  },
  {
    name: 'many are published before they are claimed',
    find: `${CAS_MANY}
  store(own + DEQUE_ROOT_BOTTOM, (bottom + wanted) | 0); // publish`,
    replace: `store(own + DEQUE_ROOT_BOTTOM, (bottom + wanted) | 0);
  ${CAS_MANY}`,
  },
  {
    name: 'many are claimed before they are copied',
    find: `  for (let i = 0; i < wanted; i++)
    store(slotOf(own, (bottom + i) | 0), load(slotOf(victim, (top + i) | 0)));
  // claim: as in stealDeque, for all of them.
  ${CAS_MANY}`,
    replace: `  ${CAS_MANY}
  for (let i = 0; i < wanted; i++)
    store(slotOf(own, (bottom + i) | 0), load(slotOf(victim, (top + i) | 0)));`,
  },
  {
    name: 'many are taken at once from an owner who takes the newest',
    find: 'return get(victim + DEQUE_ROOT_ORDER) == DEQUE_FIFO',
    replace: 'return get(victim + DEQUE_ROOT_ORDER) != -1',
  },
  {
    name: 'one by one, each is published before it is claimed',
    find: `    // claim: as in stealDeque.
    if (compareExchange(victim + DEQUE_ROOT_TOP, top, (top + 1) | 0) != top)
      return taken > 0 ? taken : DEQUE_RETRY;
    bottom = (bottom + 1) | 0;
    store(own + DEQUE_ROOT_BOTTOM, bottom); // publish`,
    replace: `    bottom = (bottom + 1) | 0;
    store(own + DEQUE_ROOT_BOTTOM, bottom);
    if (compareExchange(victim + DEQUE_ROOT_TOP, top, (top + 1) | 0) != top)
      return taken > 0 ? taken : DEQUE_RETRY;`,
  },
  {
    name: 'room is not looked at',
    find: '  if (wanted > room) wanted = room;',
    replace: '',
  },
  {
    name: 'the owner thinks that what it knew to be free is twice as much',
    find: '  const known = (get(deque + DEQUE_ROOT_TOP_SEEN) - full) | 0;',
    replace: '  const known = (get(deque + DEQUE_ROOT_TOP_SEEN) - full + 1) | 0;',
  },
];

describe('work-stealing deque, all interleavings', () => {
  test.each(SCENARIOS.map((make) => [make(deque).name, make] as const))('%s', (_, make) => {
    const { states, complete } = explore(make(deque));
    expect(complete).toBe(true);
    expect(states).toBeGreaterThan(1);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/deque.ts', import.meta.url),
      scenarios: SCENARIOS,
      mutants: MUTANTS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
