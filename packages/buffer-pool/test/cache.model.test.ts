// All interleavings of the caches of owners with the shared list: refill, spill, stealing, waiting, and what the dead leave.
import { peek, type Mutant } from '@corelane/interleave';
import { BUFFER_FREE, FROM_FREE, LEASE_ENDED, NO_LEASE, ownerSlot } from '../src/layout.ts';
import { end, join, writeLink } from './kernel/harness.ts';
import { modelSuite } from './kernel/model-suite.ts';
import {
  A,
  B,
  C,
  FLAG,
  FREE,
  type Kernel,
  LINK,
  type Plot,
  POOL,
  reclaim,
  SLOT,
  stateOf,
  user,
  waiter,
  WAITERS,
  wrong,
} from './kernel/scene.ts';

const INDEX = 3;
/** The next owner in the slot of A. */
const NEXT_A = A + (1 << 10);
const CACHE = (owner: number): number => SLOT(owner) + ownerSlot.offset.cache;
const give = (k: Kernel, token: number, owner: number): number =>
  k.releaseLease(POOL, token & INDEX, token >> 2, 0x1fffffff, owner);
/** Takes one of the buffers and returns it, so that it is in the owner's cache. */
const warm = (k: Kernel, owner: number): void => void give(k, k.acquireLease(POOL, owner, FROM_FREE), owner);
/** Takes a buffer and keeps it; maybe none, where another has all that are free in its hands. */
const hold = (k: Kernel, owner: number) => (): number => k.acquireLease(POOL, owner, FROM_FREE);
const noWaiters = (): string | undefined =>
  peek(WAITERS) === 0 ? undefined : `${peek(WAITERS)} waiters left`;
const drain = (k: Kernel, dead: number, owner: number) => (): undefined => {
  join(FLAG);
  k.reclaimCache(POOL, dead, owner);
};

const PLOTS: readonly Plot[] = [
  {
    name: 'nothing is taken where every list is empty',
    cacheBuffers: 1,
    leased: [A, A],
    threads: (k) => [(): number => k.acquireLease(POOL, B, FROM_FREE)],
    check: ([token]) => (token === NO_LEASE ? undefined : `token ${token}`),
  },
  {
    name: 'two threads with caches share two buffers: never at once, and bytes are handed over plain',
    cacheBuffers: 1,
    threads: (k) => [user(k, A), user(k, B)],
    check: wrong,
  },
  {
    name: 'three threads share one buffer through their caches',
    large: true,
    buffers: 1,
    cacheBuffers: 1,
    threads: (k) => [user(k, A), user(k, B), user(k, C)],
    check: wrong,
  },
  {
    name: 'a thief takes from a cache while its owner takes and returns',
    cacheBuffers: 2,
    batch: 2,
    prepare: (k) => warm(k, A),
    threads: (k) => [user(k, A), user(k, B)],
    check: wrong,
  },
  {
    name: 'a thief that is late takes what is on top then, not what was below the top before',
    cacheBuffers: 2,
    batch: 2,
    prepare: (k) => warm(k, A),
    threads: (k) => [
      (): number[] => {
        const [first, second] = [k.acquireLease(POOL, A, FROM_FREE), k.acquireLease(POOL, A, FROM_FREE)];
        if (first >= 0) give(k, first, A);
        return [first, second];
      },
      (): number => k.acquireLease(POOL, B, FROM_FREE),
      (): number => k.acquireLease(POOL, C, FROM_FREE),
    ],
    check: ([own, b, c]) =>
      [...own, b, c].every((token) => token >= NO_LEASE) ? undefined : `${own.join()}, ${b}, ${c}`,
  },
  {
    name: 'a full cache spills while a thief takes from it',
    buffers: 3,
    cacheBuffers: 1,
    batch: 2,
    leased: [A, A, A],
    prepare: (k) => void give(k, 0, A),
    threads: (k) => [
      (): number => {
        give(k, 1, A);
        return give(k, 2, A);
      },
      user(k, B),
    ],
    check: ([gave, used]) => used ?? (gave === LEASE_ENDED ? undefined : `release said ${gave}`),
  },
  {
    name: 'who waits gets the buffer that another returns to its own cache',
    buffers: 1,
    cacheBuffers: 1,
    leased: [A],
    threads: (k) => [(): number => give(k, 0, A), waiter(k, B)],
    check: ([, waited]) => waited ?? noWaiters(),
  },
  {
    name: 'who waits gets the buffer that another has taken with its batch and does not need',
    cacheBuffers: 2,
    batch: 2,
    threads: (k) => [hold(k, A), waiter(k, B)],
    check: ([, waited]) => waited ?? noWaiters(),
  },
  {
    name: 'who waits gets the buffer that another spills',
    large: true,
    cacheBuffers: 1,
    batch: 2,
    leased: [A, A],
    prepare: (k) => void give(k, 0, A),
    threads: (k) => [(): number => give(k, 1, A), waiter(k, B)],
    check: ([, waited]) => waited ?? noWaiters(),
  },
  {
    name: 'what a dead owner kept and had in hand is returned once, by two that reclaim, while another leases',
    buffers: 3,
    cacheBuffers: 2,
    batch: 1,
    threads: (k) => [
      (): undefined => {
        warm(k, A);
        k.takeChain(POOL, A, FREE); // and ends before it is placed
        end(FLAG);
      },
      drain(k, A, B),
      drain(k, A, C),
    ],
    check: () => (peek(CACHE(A)) === 0 ? undefined : `${peek(CACHE(A))} left in the cache`),
  },
  {
    name: 'of an owner that ended while it placed a chain, no more than the chain is taken',
    cacheBuffers: 2,
    batch: 2,
    leased: [A],
    threads: (k) => [
      (): undefined => {
        give(k, 0, A); // in its cache: 0
        k.takeChain(POOL, A, FREE); // 1, which is all there is
        writeLink(LINK(k.measureChain(POOL, A)), 1);
        end(FLAG);
      },
      drain(k, A, B),
    ],
  },
  {
    name: 'of an owner that ended after it had placed its chain, only the cache is returned',
    cacheBuffers: 2,
    batch: 2,
    threads: (k) => [
      (): undefined => {
        if (k.takeChain(POOL, A, FREE) !== 0) k.placeChain(POOL, A, CACHE(A));
        end(FLAG);
      },
      drain(k, A, B),
      user(k, C),
    ],
    check: ([, , used]) => used,
  },
  {
    name: 'who reclaims and ends with the chain in hand leaves it to the next',
    cacheBuffers: 1,
    batch: 2,
    threads: (k) => [
      (): undefined => {
        k.takeChain(POOL, A, FREE);
        end(FLAG);
      },
      (): undefined => {
        join(FLAG);
        k.reclaimCache(POOL, A, B);
        k.takeChain(POOL, B, FREE);
        end(FLAG + 4);
      },
      (): undefined => {
        join(FLAG + 4);
        k.reclaimCache(POOL, B, C);
      },
    ],
  },
  {
    name: 'who is late to reclaim takes no chain out of the hands of who has the slot by then',
    cacheBuffers: 2,
    batch: 2,
    prepare: (k) => {
      warm(k, A);
      k.reclaimCache(POOL, A, C); // and the slot was given out again
    },
    threads: (k) => [user(k, NEXT_A), (): void => k.reclaimCache(POOL, A, B)],
    check: wrong,
  },
  {
    name: 'one who reclaims in the slot of the dead, against one who has a slot of its own: each buffer comes back once',
    large: true,
    buffers: 3,
    cacheBuffers: 2,
    batch: 1,
    leased: [A, A],
    // What is noted there is looked up in the word of the buffer, which names its owner in full.
    races: [SLOT(A) + ownerSlot.offset.returning],
    threads: (k) => {
      const all = (owner: number) => (): void => {
        join(FLAG);
        k.reclaimCache(POOL, A, owner);
        const index = k.recoverBuffer(POOL, A, owner);
        if (index !== NO_LEASE) k.returnBuffer(POOL, index, owner);
        reclaim(k, 1, A, owner)();
        if (owner === NEXT_A) k.reclaimCache(POOL, owner, owner);
      };
      return [
        (): void => {
          k.takeChain(POOL, A, FREE); // the third
          k.endLease(POOL, 0, 0, -1, A);
          end(FLAG);
        },
        all(NEXT_A),
        all(B),
      ];
    },
    check: () =>
      [0, 1, 2].every((index) => stateOf(index) === BUFFER_FREE) ? undefined : 'a buffer did not come back',
  },
  ...(
    [
      ['reclaims another', (k) => reclaim(k, 0, C, NEXT_A)],
      ['settles another', (k) => () => k.settleLease(POOL, 0, C, NEXT_A)],
      ['releases, twice,', (k) => () => k.releaseLease(POOL, 0, 0, -1, NEXT_A)],
      ['retires, twice,', (k) => () => k.retireLease(POOL, 0, 0, -1, NEXT_A)],
      ['completes what is over', (k) => () => k.takeLease(POOL, 0, 0, -1, 7, NEXT_A)],
    ] as readonly (readonly [string, (k: Kernel) => () => unknown])[]
  ).map(([does, act]): Plot => ({
    name: `who is late to reclaim takes no free buffer for one on its way, while who has the slot by then ${does}`,
    buffers: 1,
    leased: [A],
    races: [SLOT(A) + ownerSlot.offset.returning],
    // So it is free, and in a list, and A was the last to have it.
    prepare: (k) => void k.releaseLease(POOL, 0, 0, -1, A),
    threads: (k) => [
      act(k),
      (): void => {
        const index = k.recoverBuffer(POOL, A, B);
        if (index !== NO_LEASE) k.returnBuffer(POOL, index, B);
      },
    ],
  })),
  {
    name: 'who waits gets what a dead owner kept',
    buffers: 1,
    cacheBuffers: 1,
    threads: (k) => [
      (): undefined => {
        k.takeChain(POOL, A, FREE);
        end(FLAG);
      },
      drain(k, A, B),
      waiter(k, C),
    ],
    check: ([, , waited]) => waited ?? noWaiters(),
  },
];

const MUTANTS: Mutant[] = [
  ...(
    [
      [
        'a release',
        'lease.ts',
        'if (low() == from) {\n    set(returning, (index + 1) | 0); // before the CAS: from',
        '{\n    set(returning, (index + 1) | 0); // from',
      ],
      [
        'a retirement',
        'lease.ts',
        'if (low() == from) {\n    set(returning, (index + 1) | 0); // before the CAS, as',
        '{\n    set(returning, (index + 1) | 0); // as',
      ],
      ['a completion', 'ownership.ts', 'if (state == BUFFER_KERNEL || state == BUFFER_ORPHAN) {', '{'],
      [
        'a settlement',
        'ownership.ts',
        'const returning = returnNote(pool, owner);\n  load64(word);',
        'const returning = returnNote(pool, owner);\n  set(returning, (index + 1) | 0);\n  load64(word);',
      ],
      [
        'a reclaim',
        'reclaim.ts',
        'const returning = returnNote(pool, owner);\n  load64(word);',
        'const returning = returnNote(pool, owner);\n  set(returning, (index + 1) | 0);\n  load64(word);',
      ],
    ] as const
  ).map(([who, file, find, replace]): Mutant => ({
    name: `${who} notes a buffer as on its way before it looks whether it is free`,
    file,
    find,
    replace,
  })),
  {
    name: 'nobody is woken after a batch was moved',
    find: 'noteChain(pool, owner, 0);\n  wakeIfAwaited(pool);',
    replace: 'noteChain(pool, owner, 0);',
    expect: 'deadlock',
  },
  {
    name: 'nobody is woken by a return to a cache',
    find: 'addTally(slot + OWNER_SLOT_ENDS, 1);\n  wakeIfAwaited(pool);',
    replace: 'addTally(slot + OWNER_SLOT_ENDS, 1); if (most == 0) wakeIfAwaited(pool);',
    expect: 'deadlock',
  },
  {
    name: 'who finds the shared list empty looks into no other cache',
    find: 'const index = popLinked(other + OWNER_SLOT_CACHE, links, BUFFER_RECORD_BYTES);',
    replace: 'const index = NO_LEASE;',
    expect: 'deadlock',
  },
  {
    name: 'who looks into the caches of others leaves out those before its own',
    find: 'if (other >= end) other = first;',
    replace: 'if (other >= end) break;',
    expect: 'deadlock',
  },
  {
    name: 'a chain is not noted',
    find: 'noteChain(pool, owner, (top + 1) | (most << CHAIN_WORD_LENGTH_SHIFT));',
    replace: 'if (most > 1) noteChain(pool, owner, (top + 1) | (most << CHAIN_WORD_LENGTH_SHIFT));',
  },
  {
    name: 'a chain that was placed stays noted',
    find: 'noteChain(pool, owner, 0);',
    replace: '',
  },
  {
    name: 'the length of a chain is not written before it is placed',
    find: 'noteChain(pool, owner, first | (length << CHAIN_WORD_LENGTH_SHIFT));',
    replace: '',
  },
  {
    name: 'a chain is placed with its first buffer alone',
    find: 'last = (below - 1) | 0;',
    replace: '',
  },
  {
    name: 'the chain of a dead owner is looked at, not claimed',
    find: 'compareExchange64(from + OWNER_SLOT_CHAIN, dead, chain, dead, 0) != 0',
    replace: 'compareExchange64(from + OWNER_SLOT_CHAIN, dead, chain, dead, 0) >= 0',
  },
  {
    name: 'the chain of a dead owner is forgotten',
    find: 'if (chain != 0 &&',
    replace: 'if (chain == -1 &&',
  },
  {
    name: 'who reclaims does not look whose chain it is',
    find: 'low() == dead && compareExchange64(from + OWNER_SLOT_CHAIN, dead, chain, dead, 0) != 0',
    replace: 'compareExchange64(from + OWNER_SLOT_CHAIN, low(), chain, dead, 0) != 0',
  },
  {
    name: 'a chain is noted as nobody’s',
    find: 'compareExchange64(at, low(), high(), owner, chain);',
    replace: 'compareExchange64(at, low(), high(), 0, chain);',
  },
  {
    name: 'who reclaims does not know how long the chain is',
    find: '    noteChain(pool, owner, chain);',
    replace: '    noteChain(pool, owner, chain | (3 << CHAIN_WORD_LENGTH_SHIFT));',
  },
  {
    name: 'a cache is not emptied',
    find: 'while (left > 0 && takeChain(pool, owner, from + OWNER_SLOT_CACHE) != 0)',
    replace: 'if (takeChain(pool, owner, from + OWNER_SLOT_CACHE) < 0)',
  },
  {
    name: 'a thief leaves the tag of the cache (ABA)',
    file: 'linked-stack.ts',
    find: '(tag + 1) | 0',
    replace: 'tag',
  },
];

modelSuite('caches', PLOTS, MUTANTS);
