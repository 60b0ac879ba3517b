// All interleavings of growing and shrinking, and of noticing pressure.
import { peek, type Mutant } from '@corelane/interleave';
import {
  BUFFER_FREE,
  BUFFER_RESERVED,
  bufferPoolRoot,
  FROM_ALL,
  FROM_FREE,
  FROM_RESERVE,
  LEASE_ENDED,
  NO_LEASE,
} from '../src/layout.ts';
import { end, join } from './kernel/harness.ts';
import { modelSuite } from './kernel/model-suite.ts';
import { A, B, C, FLAG, type Kernel, type Plot, POOL, stateOf, user, waiter, wrong } from './kernel/scene.ts';

const PRESSURE = POOL + bufferPoolRoot.offset.pressure;
const INDEX = 3;
const take = (k: Kernel, owner: number, source: number) => (): number => k.acquireLease(POOL, owner, source);
const release = (k: Kernel, token: number, owner: number): number =>
  k.releaseLease(POOL, token & INDEX, token >> 2, 0x1fffffff, owner);
const grow = (k: Kernel, owner: number) => (): undefined => {
  const token = k.acquireLease(POOL, owner, FROM_RESERVE);
  if (token >= 0) release(k, token, owner);
};
const shrink = (k: Kernel, owner: number) => (): number => {
  const token = k.acquireLease(POOL, owner, FROM_FREE);
  if (token < 0) return NO_LEASE;
  return k.retireLease(POOL, token & INDEX, token >> 2, 0x1fffffff, owner);
};
/** Takes one and returns it. */
const once = (k: Kernel, owner: number) => (): number => {
  const token = k.acquireLease(POOL, owner, FROM_FREE);
  return token < 0 ? token : release(k, token, owner);
};
const pressure =
  (...expected: readonly number[]) =>
  (): string | undefined =>
    expected.includes(peek(PRESSURE)) ? undefined : `pressure ${peek(PRESSURE)}`;

const PLOTS: readonly Plot[] = [
  {
    name: 'two threads that find nothing free grow the pool by one each, of a reserve of one',
    buffers: 1,
    reserved: 1,
    leased: [C],
    threads: (k) => [take(k, A, FROM_ALL), take(k, B, FROM_ALL)],
    check: (tokens: readonly number[]) =>
      tokens.filter((token) => token === NO_LEASE).length === 1 ? undefined : `tokens ${tokens.join()}`,
  },
  {
    name: 'one grows by demand while another shrinks: every buffer is free, leased or set aside',
    buffers: 2,
    reserved: 1,
    threads: (k) => [take(k, A, FROM_ALL), shrink(k, B), take(k, C, FROM_ALL)],
    check: ([a, , c]) => (a >= 0 && c >= 0 && (a & INDEX) !== (c & INDEX) ? undefined : `tokens ${a}, ${c}`),
  },
  {
    name: 'two that shrink set two buffers aside, while a third uses one',
    large: true,
    buffers: 3,
    threads: (k) => [shrink(k, A), shrink(k, B), user(k, C)],
    check: ([a, b, used]) =>
      used ?? ([a, b].every((outcome) => outcome === LEASE_ENDED) ? undefined : `outcomes ${a}, ${b}`),
  },
  {
    name: 'who waits gets the buffer by which the pool grows',
    buffers: 1,
    reserved: 1,
    leased: [C],
    threads: (k) => [grow(k, A), waiter(k, B)],
    check: wrong,
  },
  {
    name: 'a buffer that its owner was setting aside when it ended is recovered as such, once',
    buffers: 2,
    leased: [A],
    threads: (k) => {
      const recover = (owner: number) => (): number => {
        join(FLAG);
        const index = k.recoverBuffer(POOL, A, owner);
        if (index !== NO_LEASE) k.reserveBuffer(POOL, index, owner);
        return index;
      };
      return [
        (): number => {
          k.endRetire(POOL, 0, 0, -1, A);
          end(FLAG);
          return NO_LEASE;
        },
        recover(B),
        recover(C),
      ];
    },
    check: (results: readonly number[]) =>
      results.filter((index) => index === 0).length === 1 && stateOf(0) === BUFFER_RESERVED
        ? undefined
        : `recovered ${results.join()}`,
  },
  {
    name: 'pressure that two make together has begun once, and is on at the end',
    watermarks: [500, 250],
    threads: (k) => [take(k, A, FROM_FREE), take(k, B, FROM_FREE)],
    check: pressure(1),
  },
  {
    name: 'pressure that one makes and another ends is told in pairs, and is off at the end',
    watermarks: [500, 250],
    leased: [A],
    threads: (k) => [(): number => release(k, 0, A), once(k, B)],
    check: pressure(0, 2),
  },
  {
    name: 'one that takes while another returns: at the end pressure is on, as the count says, or still on, between the marks',
    watermarks: [500, 0],
    leased: [A, A],
    prepare: (k) => void take(k, A, FROM_FREE)(),
    threads: (k) => [(): number => release(k, 0, A), take(k, B, FROM_FREE)],
    check: pressure(1),
  },
  {
    name: 'while one returns all that another takes, the last word is that of the count',
    watermarks: [500, 250],
    leased: [A],
    prepare: (k) => void take(k, A, FROM_FREE)(),
    threads: (k) => [
      (): void => {
        release(k, 0, A);
        release(k, 1, A);
      },
      (): void => {
        take(k, B, FROM_FREE)();
        take(k, B, FROM_FREE)();
      },
    ],
    check: () => {
      const used = [0, 1].filter((index) => stateOf(index) !== BUFFER_FREE).length;
      return used === 1 || (peek(PRESSURE) & 1) === used >> 1
        ? undefined
        : `${used} used, pressure ${peek(PRESSURE)}`;
    },
  },
  {
    name: 'pressure that is made out of a cache is on at the end, whoever makes it',
    buffers: 3,
    cacheBuffers: 3,
    batch: 3,
    watermarks: [900, 500],
    prepare: (k) => void once(k, A)(), // all of them are in its cache
    threads: (k) => [
      (): void => {
        take(k, A, FROM_FREE)();
        take(k, A, FROM_FREE)();
      },
      take(k, B, FROM_FREE),
    ],
    check: pressure(1),
  },
  {
    name: 'pressure that is ended into caches is off at the end',
    buffers: 3,
    cacheBuffers: 3,
    batch: 3,
    watermarks: [500, 0],
    prepare: (k) => {
      take(k, A, FROM_FREE)();
      take(k, A, FROM_FREE)();
      take(k, B, FROM_FREE)(); // stolen
    },
    threads: (k) => [
      (): void => {
        release(k, 0, A);
        release(k, 1, A);
      },
      (): number => release(k, 2, B),
    ],
    check: pressure(2),
  },
  {
    name: 'growing ends pressure, but for the moments in which the new buffer is in use',
    buffers: 1,
    reserved: 1,
    watermarks: [900, 500],
    leased: [A],
    prepare: (k) => void take(k, A, FROM_FREE)(),
    threads: (k) => [grow(k, A), grow(k, B)],
    check: pressure(2, 4),
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'a buffer of the reserve is leased without being one of the pool',
    find: 'if (expected == BUFFER_RESERVED) add(pool + BUFFER_POOL_ROOT_CAPACITY, 1);',
    replace: '',
  },
  {
    name: 'a buffer set aside still counts',
    find: 'sub(pool + BUFFER_POOL_ROOT_CAPACITY, 1);',
    replace: '',
  },
  {
    name: 'the capacity is read and written, not added to',
    find: 'sub(pool + BUFFER_POOL_ROOT_CAPACITY, 1);',
    replace: 'store(pool + BUFFER_POOL_ROOT_CAPACITY, (load(pool + BUFFER_POOL_ROOT_CAPACITY) - 1) | 0);',
  },
  {
    name: 'a buffer that is set aside is not noted on its way',
    find: 'set(returning, (index + 1) | 0); // before the CAS, as in endLease',
    replace: '',
  },
  {
    name: 'a buffer set aside goes where free ones are',
    find: 'pushLinked(pool + BUFFER_POOL_ROOT_RESERVE, linksOf(pool), BUFFER_RECORD_BYTES, index, index);',
    replace: 'pushLinked(pool + BUFFER_POOL_ROOT_FREE, linksOf(pool), BUFFER_RECORD_BYTES, index, index);',
  },
  {
    name: 'whoever finds nothing free takes from the reserve in any case',
    find: 'if (found == NO_LEASE && source != FROM_FREE) {',
    replace: 'if (found == NO_LEASE) {',
  },
  {
    name: 'what is noticed is told without a CAS',
    find: 'if (compareExchange(pool + BUFFER_POOL_ROOT_PRESSURE, episode, (episode + 1) | 0) == episode)',
    replace: 'add(pool + BUFFER_POOL_ROOT_PRESSURE, 1); if (episode >= 0)',
  },
  {
    name: 'who has told does not look again',
    find: 'notify(pool + BUFFER_POOL_ROOT_PRESSURE, -1);',
    replace: '{ notify(pool + BUFFER_POOL_ROOT_PRESSURE, -1); return; }',
  },
  {
    name: 'a release is not counted',
    find: 'addTally(slot + OWNER_SLOT_ENDS, 1);\n  wakeIfAwaited(pool);',
    replace: 'wakeIfAwaited(pool);',
  },
  {
    name: 'pressure is looked for before the lease is counted',
    find: 'addTally(slot + OWNER_SLOT_ACQUIRES, 1);\n  if (missed != 0) addTally(slot + OWNER_SLOT_MISSES, 1);\n  if (found != index) addTally(slot + OWNER_SLOT_STEALS, 1);\n  if (missed != 0) notePressure(pool, slot);\n  else noteAcquire(pool, slot);',
    replace: 'notePressure(pool, slot); addTally(slot + OWNER_SLOT_ACQUIRES, 1);',
  },
  {
    name: 'who takes from its cache never looks',
    find: 'else noteAcquire(pool, slot);',
    replace: '',
  },
  {
    name: 'who returns to its cache never looks',
    find: 'noteEnd(pool, slot);',
    replace: '',
  },
  {
    name: 'who returns is never far from where it looked',
    find: 'const far = moved < 0 ? (0 - moved) | 0 : moved;',
    replace: 'const far = moved;',
  },
  {
    name: 'who has looked rests for a step too many',
    find: 'rest(slot, (roomOf(pool) + 1) | 0);',
    replace: 'rest(slot, (roomOf(pool) + 2) | 0);',
  },
  {
    name: 'who looks does not note where it was',
    find: 'exchange(slot + OWNER_SLOT_LOOKED, balanceOf(slot));',
    replace: 'exchange(slot + OWNER_SLOT_LOOKED, 0);',
  },
  {
    name: 'one mark for both',
    find: '} else if (used > capacity * get(pool + BUFFER_POOL_ROOT_LOW_PERMILLE)) return;',
    replace: '} else if (used > capacity * high) return;',
  },
];

modelSuite('growing, shrinking and pressure', PLOTS, MUTANTS);
