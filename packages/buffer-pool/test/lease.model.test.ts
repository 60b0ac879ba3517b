// All interleavings of the lease kernel with its free list: two buffers, up to three owners.
import { peek, type Mutant } from '@corelane/interleave';
import {
  BUFFER_DETACHED,
  BUFFER_LEASED,
  LEASE_ADOPTED,
  LEASE_ENDED,
  LEASE_STALE,
  LEASE_VALID,
  NO_LEASE,
  FROM_FREE,
} from '../src/layout.ts';
import { end, join } from './kernel/harness.ts';
import { modelSuite } from './kernel/model-suite.ts';
import {
  A,
  adopt,
  B,
  C,
  FLAG,
  oneOf,
  ownerOf,
  type Plot,
  POOL,
  reclaim,
  release,
  stateOf,
  user,
  waiter,
  WAITERS,
  wrong,
} from './kernel/scene.ts';

const PLOTS: readonly Plot[] = [
  {
    name: 'two threads share one buffer: never at once, and its bytes are handed over plain',
    buffers: 1,
    threads: (k) => [user(k, A), user(k, B)],
    check: wrong,
  },
  {
    name: 'a second release never ends the lease that came after, be it another’s or one’s own',
    buffers: 1,
    leased: [A],
    threads: (k) => [
      (): number[] => {
        const first = release(k, 0, A)();
        const token = k.acquireLease(POOL, A, FROM_FREE);
        const again = release(k, 0, A)();
        if (token >= 0 && k.checkLease(POOL, 0, token >> 2, -1) !== LEASE_VALID) return [first, again, -9];
        if (token >= 0) k.releaseLease(POOL, 0, token >> 2, -1, A);
        return [first, again];
      },
      user(k, B),
    ],
    check: ([[first, again, ended], used]) =>
      first === LEASE_ENDED && again === LEASE_STALE && ended === undefined
        ? used
        : `outcomes ${first}, ${again}, ${ended}`,
  },
  {
    name: 'a release against a reclaim of its owner: one of them returns the buffer',
    leased: [A],
    threads: (k) => [release(k, 0, A), reclaim(k, 0, A, B)],
    check: oneOf(LEASE_ENDED),
  },
  {
    name: 'two threads reclaim one owner while a third leases: each buffer comes back once',
    leased: [A, A],
    threads: (k) => [
      (): number[] => [reclaim(k, 0, A, B)(), reclaim(k, 1, A, B)()],
      (): number[] => [reclaim(k, 0, A, C)(), reclaim(k, 1, A, C)()],
    ],
    check: ([b, c]: readonly number[][]) =>
      oneOf(LEASE_ENDED)([b![0]!, c![0]!]) ?? oneOf(LEASE_ENDED)([b![1]!, c![1]!]),
  },
  {
    name: 'a reclaim ends what the dead one leased, not what another leases by then',
    buffers: 1,
    leased: [A],
    threads: (k) => [
      (): number => (release(k, 0, A)(), k.acquireLease(POOL, C, FROM_FREE)),
      reclaim(k, 0, A, B),
    ],
    check: ([token]: readonly number[]) =>
      token === NO_LEASE || (stateOf(0) === BUFFER_LEASED && ownerOf(0) === C)
        ? undefined
        : `${token}, ${ownerOf(0)}`,
  },
  {
    name: 'an adoption against the release: one of them has it',
    leased: [A],
    threads: (k) => [release(k, 0, A), adopt(k, 0, B)],
    check: (results) =>
      oneOf(LEASE_ENDED, LEASE_ADOPTED)(results) ??
      (results[1] === LEASE_ADOPTED && ownerOf(0) !== B ? `adopted, leased to ${ownerOf(0)}` : undefined),
  },
  {
    name: 'two adoptions of one token: one of them has it',
    leased: [A],
    threads: (k) => [adopt(k, 0, B), adopt(k, 0, C)],
    check: oneOf(LEASE_ADOPTED),
  },
  {
    name: 'an adoption against a reclaim of the first owner: what was adopted stays',
    leased: [A],
    threads: (k) => [adopt(k, 0, B), reclaim(k, 0, A, C)],
    check: (results) =>
      oneOf(LEASE_ENDED, LEASE_ADOPTED)(results) ??
      (results[0] === LEASE_ADOPTED && stateOf(0) !== BUFFER_LEASED ? 'adopted and freed' : undefined),
  },
  {
    name: 'a detachment against a reclaim: detached or free, not both',
    leased: [A],
    threads: (k) => [(): number => k.detachLease(POOL, 0, 0, -1, A), reclaim(k, 0, A, B)],
    check: (results) =>
      oneOf(LEASE_ENDED)(results) ??
      (results[0] === LEASE_ENDED && stateOf(0) !== BUFFER_DETACHED ? 'detached and freed' : undefined),
  },
  {
    name: 'a buffer on its way when its owner ended is recovered once, while others lease',
    buffers: 1,
    leased: [A],
    threads: (k) => {
      const recover = (owner: number) => (): number => {
        join(FLAG);
        const index = k.recoverBuffer(POOL, A, owner);
        if (index !== NO_LEASE) k.returnBuffer(POOL, index, owner);
        return index;
      };
      return [
        (): number => {
          k.endLease(POOL, 0, 0, -1, A); // and never returnBuffer
          end(FLAG);
          return NO_LEASE;
        },
        recover(B),
        recover(C),
      ];
    },
    check: oneOf(0),
  },
  ...[1, 2].map((releases): Plot => ({
    name: `of an owner that ended after ${releases} tries to release, nothing is recovered`,
    leased: [A],
    threads: (k) => [
      (): number => {
        for (let i = 0; i < releases; i++) release(k, 0, A)();
        end(FLAG);
        return NO_LEASE;
      },
      (): number => {
        join(FLAG);
        return k.recoverBuffer(POOL, A, B);
      },
      user(k, C),
    ],
    check: ([, recovered, used]) => (recovered === NO_LEASE ? used : `recovered ${recovered}`),
  })),
  {
    name: 'who waits is woken by the release of the only buffer',
    buffers: 1,
    leased: [A],
    threads: (k) => [release(k, 0, A), waiter(k, B)],
    check: ([, waited]) => waited ?? (peek(WAITERS) === 0 ? undefined : `${peek(WAITERS)} waiters left`),
  },
  {
    name: 'two who wait get the only buffer one after the other',
    large: true,
    buffers: 1,
    leased: [A],
    threads: (k) => [release(k, 0, A), waiter(k, B), waiter(k, C)],
    check: ([, b, c]) => b ?? c ?? (peek(WAITERS) === 0 ? undefined : `${peek(WAITERS)} waiters left`),
  },
  {
    name: 'three threads share two buffers',
    large: true,
    threads: (k) => [user(k, A), user(k, B), user(k, C)],
    check: wrong,
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'the end of a lease does not move the generation',
    find: 'if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0) return LEASE_ENDED;',
    replace: 'if (compareExchange64(word, holder, current, to, current) != 0) return LEASE_ENDED;',
  },
  {
    name: 'an adoption does not move the generation',
    find: 'held(BUFFER_LEASED, owner), (current + 1) | 0) != 0)',
    replace: 'held(BUFFER_LEASED, owner), current) != 0)',
  },
  {
    name: 'a release does not look at the generation',
    find: 'if (stateOf(holder) != BUFFER_LEASED || ((current ^ generation) & mask) != 0) return LEASE_STALE;\n    if (holder != from)',
    replace: 'if (stateOf(holder) != BUFFER_LEASED) return LEASE_STALE;\n    if (holder != from)',
  },
  {
    name: 'a lease ends without a CAS on what was observed',
    find: 'if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0) return LEASE_ENDED;',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), to, (current + 1) | 0) != 0) return LEASE_ENDED;',
  },
  {
    name: 'a reclaim ends the lease without a CAS on what was observed',
    file: 'reclaim.ts',
    find: 'if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0)',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), held(BUFFER_FREE, owner), (current + 1) | 0) != 0)',
  },
  {
    name: 'a reclaim ends the lease of whoever has it',
    find: 'if (holder != held(BUFFER_LEASED, dead)) {',
    replace: 'if ((holder & 7) != BUFFER_LEASED) {',
  },
  {
    name: 'an adoption takes the lease without a CAS on what was observed',
    find: 'if (compareExchange64(word, holder, current, held(BUFFER_LEASED, owner), (current + 1) | 0) != 0)',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), held(BUFFER_LEASED, owner), (current + 1) | 0) != 0)',
  },
  {
    name: 'a recovery does not claim what it found',
    find: 'if (compareExchange64(word, low(), high(), held(state, owner), high()) != 0) return index;',
    replace: 'return index;',
  },
  {
    name: 'a recovery does not look whose the buffer is',
    find: 'if (low() != held(state, dead) || (state != BUFFER_FREE && state != BUFFER_RESERVED)) return NO_LEASE;',
    replace: 'if (state != BUFFER_FREE && state != BUFFER_RESERVED) return NO_LEASE;',
  },
  {
    name: 'a release does not note what is on its way',
    file: 'lease.ts',
    find: 'set(returning, (index + 1) | 0); // before the CAS: from',
    replace: '// from',
  },
  {
    name: 'a release of what is free notes it, and leaves its note',
    find: 'if (low() == from) {\n    set(returning, (index + 1) | 0); // before the CAS: from there on it is what finds the buffer if this thread ends\n  }\n  const outcome = transition(word, generation, mask, from, held(BUFFER_FREE, owner));\n  if (outcome != LEASE_ENDED) set(returning, 0);',
    replace:
      'set(returning, (index + 1) | 0);\n  const outcome = transition(word, generation, mask, from, held(BUFFER_FREE, owner));',
  },
  {
    name: 'a returned buffer stays noted as on its way',
    find: 'pairs with popLinked\n  set(slot + OWNER_SLOT_RETURNING, 0);',
    replace: '',
  },
  {
    name: 'a buffer goes into the free list before its lease ends',
    find: 'const outcome = endLease(pool, index, generation, mask, owner);\n  if (outcome == LEASE_ENDED) returnBuffer(pool, index, owner);',
    replace:
      'returnBuffer(pool, index, owner);\n  const outcome = endLease(pool, index, generation, mask, owner);',
  },
  {
    name: 'a lease is taken without being written down',
    find: 'if (compareExchange64(record + BUFFER_RECORD_WORD, holder, generation, leased, generation) == 0)',
    replace: 'if (leased == 0)',
  },
  {
    name: 'who returns a buffer looks for waiters before it is in the free list',
    find: 'pushLinked(head, linksOf(pool), BUFFER_RECORD_BYTES, index, index); // publish: hands over the bytes; pairs with popLinked\n  set(slot + OWNER_SLOT_RETURNING, 0);\n  addTally(slot + OWNER_SLOT_ENDS, 1);\n  wakeIfAwaited(pool);',
    replace:
      'wakeIfAwaited(pool); pushLinked(head, linksOf(pool), BUFFER_RECORD_BYTES, index, index); set(slot + OWNER_SLOT_RETURNING, 0);',
    expect: 'deadlock',
  },
  {
    name: 'a wake-up does not move the sequence',
    find: 'add(pool + BUFFER_POOL_ROOT_SEQUENCE, 1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'nobody is woken',
    find: 'notify(pool + BUFFER_POOL_ROOT_SEQUENCE, -1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a waiter is not announced',
    find: 'add(pool + BUFFER_POOL_ROOT_WAITERS, 1);',
    replace: '',
  },
];

modelSuite('leases', PLOTS, MUTANTS);
