// All interleavings of the stack's kernel. Indices may be lost, given out twice or lie in a cycle only if the algorithm is wrong.
import { explore, killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Stack from '../kernel/index-stack.ts';
import * as stack from '../kernel/index-stack.ts';
import { INDEX_PUSHED, indexStackRoot, STACK_EMPTY, stackLink } from '../src/layout.ts';
import { read, write } from './kernel/payload.ts';

type Kernel = typeof Stack;

const AT = 0;
const CAPACITY = 3;
const HEAD = AT + indexStackRoot.offset.head;
const TAG = HEAD + 4;
const LINKS = AT + indexStackRoot.bytes;
/** One plain word for each index, handed over with it. */
const PAYLOADS = LINKS + CAPACITY * stackLink.bytes;
const BYTES = PAYLOADS + 4 * CAPACITY;

const NAMES = {
  [HEAD]: 'head',
  ...Object.fromEntries([0, 1, 2].map((i) => [LINKS + 4 * i, `next${i}`])),
  ...Object.fromEntries([0, 1, 2].map((i) => [PAYLOADS + 4 * i, `payload${i}`])),
};

/** What lies in the stack, from the top; stops after `CAPACITY + 1`, so that a cycle shows as too many. */
function inside(): number[] {
  const found: number[] = [];
  for (let at = peek(HEAD); at !== 0 && found.length <= CAPACITY; at = peek(LINKS + 4 * (at - 1)))
    found.push(at - 1);
  return found;
}

/** Every index is held by one thread or lies in the stack, once. */
function conserved(held: readonly number[]): string | undefined {
  const all = [...held.filter((index) => index !== STACK_EMPTY), ...inside()].toSorted((a, b) => a - b);
  return all.join() === '0,1,2' ? undefined : `held ${held.join()}, in the stack ${inside().join()}`;
}

const flat = (results: readonly number[][]): string | undefined => conserved(results.flat());

const scenario = (
  name: string,
  kernel: Kernel,
  threads: Scenario['threads'],
  check: NonNullable<Scenario['check']> = flat,
  setup: () => void = () => {},
  filled = 1,
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    kernel.initializeStack(AT, CAPACITY, filled);
    poke(TAG, -1); // the tag wraps with the first pop
    setup();
  },
  threads,
  check,
});

const late = (k: Kernel): Scenario =>
  scenario('a late pop against pop, pop, push of the first', k, [
    () => [k.popStack(AT)],
    () => {
      const first = k.popStack(AT);
      const second = k.popStack(AT);
      k.pushStack(AT, first);
      return [second];
    },
  ]);

const around = (k: Kernel): Scenario => {
  const thread = (): number[] => {
    const index = k.popStack(AT);
    if (index !== STACK_EMPTY) k.pushStack(AT, index);
    return [k.popStack(AT)];
  };
  return scenario('two threads pop, push, pop', k, [thread, thread]);
};

const marked = (k: Kernel): Scenario => {
  const thread = (): number[] => {
    const index = k.popIndex(AT);
    return k.pushIndex(AT, index) === INDEX_PUSHED ? [] : [-9];
  };
  return scenario('three threads pop and push with marks', k, [thread, thread, thread]);
};

const twice = (k: Kernel): Scenario =>
  scenario(
    'one index pushed by two threads at once, and popped by a third',
    k,
    [() => [k.pushIndex(AT, 1)], () => [k.pushIndex(AT, 1)], () => [k.popIndex(AT)]],
    (results: readonly number[][]) => {
      const [a, b, popped] = results.flat();
      // The third may pop it between the pushes, and then both are right.
      const pushed = a! + b!;
      if (pushed !== 1 && !(pushed === 2 && popped === 1))
        return `${pushed} pushes went through, popped ${popped}`;
      const expected = pushed - (popped === 1 ? 1 : 0);
      return inside().length === expected
        ? undefined
        : `in the stack ${inside().join()}, expected ${expected} indices`;
    },
    () => {},
    0,
  );

const chains = (k: Kernel): Scenario =>
  scenario(
    'a chain pushed against a chain popped: all of it or nothing is seen',
    k,
    [
      () => {
        k.linkIndex(AT, 1, 0);
        k.pushChain(AT, 1, 0);
        return [];
      },
      () => takeChain(k, CAPACITY),
    ],
    (results: readonly number[][]) => {
      const taken = results[1]!.join();
      return taken === '2' || taken === '1,0,2' ? conserved(results.flat()) : `took ${taken}`;
    },
    () => {
      k.popStack(AT);
      k.popStack(AT);
    },
  );

const lateChain = (k: Kernel): Scenario =>
  scenario('a late pop of two against pop, pop, push of the first', k, [
    () => takeChain(k, 2),
    () => {
      const first = k.popStack(AT);
      const second = k.popStack(AT);
      if (first !== STACK_EMPTY) k.pushStack(AT, first);
      return [second];
    },
  ]);

const twoChains = (k: Kernel): Scenario =>
  scenario('two threads pop two at once', k, [() => takeChain(k, 2), () => takeChain(k, 2)]);

const lateSecondChain = (k: Kernel): Scenario =>
  scenario('a late pop against a chain of two popped and its top pushed', k, [
    () => [k.popStack(AT)],
    () => {
      const [first, second] = takeChain(k, 2);
      if (first === undefined) return [];
      k.pushStack(AT, first);
      return second === undefined ? [] : [second];
    },
  ]);

function takeChain(k: Kernel, most: number): number[] {
  const taken: number[] = [];
  for (let index = k.popChain(AT, most); index !== STACK_EMPTY; index = k.belowIndex(AT, index)) {
    taken.push(index);
    if (taken.length === most) break;
  }
  return taken;
}

const payload = (k: Kernel): Scenario => {
  const thread = (id: number) => (): string | undefined => {
    const index = k.popStack(AT);
    const found = read(PAYLOADS + 4 * index);
    write(PAYLOADS + 4 * index, id);
    k.pushStack(AT, index);
    return found === 0 || found === 3 - id ? undefined : `${id} found ${found}`;
  };
  return scenario(
    'what an index stands for is handed over with it, plain',
    k,
    [thread(1), thread(2)],
    (results) => results.find((result) => result !== undefined),
  );
};

const SCENARIOS = [late, around, marked, twice, chains, lateChain, twoChains, lateSecondChain, payload];

const PUSH_CAS = 'if (compareExchange64(head, top, tag, (first + 1) | 0, tag) != 0) return;';
const MUTANTS: Mutant[] = [
  { name: 'pop leaves the tag (ABA)', find: '(tag + 1) | 0', replace: 'tag', expect: 'check' },
  { name: 'popChain leaves the tag (ABA)', find: '(tag + taken) | 0', replace: 'tag', expect: 'check' },
  {
    name: 'push writes the link after publication',
    find: PUSH_CAS,
    replace: PUSH_CAS.replace('return;', '{ store(link, top); return; } else store(link, -1);').replace(
      'if (',
      'store(link, -1); if (',
    ),
  },
  {
    name: 'push links to the head that it read first and publishes on whatever the head is now',
    find: PUSH_CAS,
    replace: `load64(head); ${PUSH_CAS.replace('top, tag,', 'low(), high(),')}`,
  },
  {
    name: 'push writes the link plainly',
    find: 'store(link, top);',
    replace: 'set(link, top);',
    expect: 'race',
  },
  {
    name: 'pop reads the link plainly',
    find: 'const below = load(links + ((top - 1) | 0) * stride);',
    replace: 'const below = get(links + ((top - 1) | 0) * stride);',
    expect: 'race',
  },
  {
    name: 'popChain reads the links plainly',
    find: 'below = load(links + ((below - 1) | 0) * stride);',
    replace: 'below = get(links + ((below - 1) | 0) * stride);',
    expect: 'race',
  },
  {
    name: 'pop takes the top without comparing the head',
    find: 'if (compareExchange64(head, top, tag, below, (tag + 1) | 0) != 0)',
    replace: 'load64(head); if (compareExchange64(head, low(), high(), below, (tag + 1) | 0) != 0)',
  },
  {
    name: 'the chain ends one index early',
    find: 'taken < most &&',
    replace: '((taken + 1) | 0) < most &&',
  },
  {
    name: 'pop does not mark what it took',
    find: 'if (index != STACK_EMPTY) store(linkOf(stack, index), LINK_OUT);',
    replace: '',
  },
  {
    name: 'the claim of a push is a look, not a CAS',
    find: 'return compareExchange(linkOf(stack, index), LINK_OUT, LINK_END) == LINK_OUT ? INDEX_PUSHED : INDEX_PRESENT;',
    replace:
      'if (load(linkOf(stack, index)) != LINK_OUT) return INDEX_PRESENT; store(linkOf(stack, index), LINK_END); return INDEX_PUSHED;',
  },
];

describe('index stack, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(stack)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/index-stack.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
