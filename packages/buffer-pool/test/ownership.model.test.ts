// All interleavings of giving a buffer to the kernel, completion, cancellation, reclaim and settlement.
import { peek, type Mutant } from '@corelane/interleave';
import {
  BUFFER_FREE,
  BUFFER_LEASED,
  BUFFER_ORPHAN,
  LEASE_ADOPTED,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_GIVEN,
  LEASE_MISMATCHED,
  LEASE_ORPHANED,
  LEASE_STALE,
  LEASE_TAKEN,
  pinnedBufferRoot,
} from '../src/layout.ts';
import { hear, readBytes, tell, writeBytes } from './kernel/harness.ts';
import { modelSuite } from './kernel/model-suite.ts';
import {
  A,
  adopt,
  B,
  BYTES_AT,
  C,
  FLAG,
  type Kernel,
  oneOf,
  ownerOf,
  PINNED,
  type Plot,
  POOL,
  reclaim,
  release,
  stateOf,
  user,
} from './kernel/scene.ts';

const OPERATION = 70;
const PINNED_WORD = PINNED + pinnedBufferRoot.offset.word;
/** Of buffer 0, unless said otherwise. */
const give = (k: Kernel, generation: number, owner: number, operation = OPERATION): number =>
  k.giveLease(POOL, 0, generation, -1, operation, owner);
const complete =
  (k: Kernel, generation: number, owner: number, operation = OPERATION) =>
  (): number => {
    const outcome = k.takeLease(POOL, 0, generation, -1, operation, owner);
    if (outcome === LEASE_ENDED) k.returnBuffer(POOL, 0, owner);
    return outcome;
  };
const cancel = (k: Kernel, generation: number, owner: number) => (): number =>
  k.orphanLease(POOL, 0, generation, -1, OPERATION, owner);
const settle = (k: Kernel, ended: number, owner: number) => (): number => {
  const outcome = k.settleLease(POOL, 0, ended, owner);
  if (outcome === LEASE_ENDED) k.returnBuffer(POOL, 0, owner);
  return outcome;
};
const given = (k: Kernel): void => void give(k, 0, A);
/** What came of it, and where the buffer is at the end. */
const expected =
  (...good: readonly string[]) =>
  (results: readonly number[]): string | undefined => {
    const found = `${results.join()} ${stateOf(0)}`;
    return good.includes(found) ? undefined : `${found}, expected ${good.join(' or ')}`;
  };

const PLOTS: readonly Plot[] = [
  {
    name: 'a completion against the cancellation: the user’s, or back in the pool, and nobody’s in between',
    leased: [A],
    prepare: given,
    threads: (k) => [cancel(k, 1, A), complete(k, 1, A)],
    check: expected(
      `${LEASE_ORPHANED},${LEASE_ENDED} ${BUFFER_FREE}`,
      `${LEASE_STALE},${LEASE_TAKEN} ${BUFFER_LEASED}`,
    ),
  },
  {
    name: 'two completions of one operation: one of them has the buffer',
    leased: [A],
    prepare: given,
    threads: (k) => [complete(k, 1, B), complete(k, 1, C)],
    check: (results) =>
      oneOf(LEASE_TAKEN)(results) ??
      (ownerOf(0) === (results[0] === LEASE_TAKEN ? B : C) ? undefined : `owner ${ownerOf(0)}`),
  },
  {
    name: 'two cancellations: one of them counts',
    leased: [A],
    prepare: given,
    threads: (k) => [cancel(k, 1, A), cancel(k, 1, A)],
    check: oneOf(LEASE_ORPHANED),
  },
  {
    name: 'two completions of an orphan: it goes back once',
    leased: [A],
    prepare: (k) => {
      given(k);
      cancel(k, 1, A)();
    },
    threads: (k) => [complete(k, 1, B), complete(k, 1, C)],
    check: oneOf(LEASE_ENDED),
  },
  {
    name: 'a completion under another number changes nothing, whatever happens beside it',
    leased: [A],
    prepare: given,
    threads: (k) => [complete(k, 1, B, 71), cancel(k, 1, A)],
    check: expected(`${LEASE_MISMATCHED},${LEASE_ORPHANED} ${BUFFER_ORPHAN}`),
  },
  {
    name: 'a completion of the operation before does not complete the next one, even under its number',
    leased: [A],
    prepare: given,
    threads: (k) => [
      (): number => {
        complete(k, 1, A)();
        return give(k, 2, A);
      },
      complete(k, 1, B),
    ],
    check: ([gave, late]: readonly number[]) =>
      late === LEASE_STALE && gave === LEASE_GIVEN && stateOf(0) !== BUFFER_LEASED
        ? undefined
        : late === LEASE_TAKEN && gave !== LEASE_GIVEN && ownerOf(0) === B
          ? undefined
          : `gave ${gave}, late ${late}`,
  },
  {
    name: 'giving against an adoption: the kernel’s or the adopter’s',
    leased: [A],
    threads: (k) => [(): number => give(k, 0, A), adopt(k, 0, B)],
    check: oneOf(LEASE_GIVEN, LEASE_ADOPTED),
  },
  {
    name: 'giving against a reclaim of its owner: freed, or the kernel’s as an orphan, never both',
    leased: [A],
    threads: (k) => [(): number => give(k, 0, A), reclaim(k, 0, A, B)],
    check: expected(
      `${LEASE_GIVEN},${LEASE_ORPHANED} ${BUFFER_ORPHAN}`,
      `${LEASE_STALE},${LEASE_ENDED} ${BUFFER_FREE}`,
    ),
  },
  {
    name: 'a reclaim against the completion: the buffer goes back once, or is whose the completion was',
    leased: [A],
    prepare: given,
    threads: (k) => [reclaim(k, 0, A, B), complete(k, 1, C)],
    check: expected(
      `${LEASE_ORPHANED},${LEASE_ENDED} ${BUFFER_FREE}`,
      // The reclaim saw a lease of C.
      `${LEASE_FOREIGN},${LEASE_TAKEN} ${BUFFER_LEASED}`,
    ),
  },
  {
    name: 'two settlements and a late completion of one orphan, while another leases: back in the pool once',
    buffers: 1,
    leased: [A],
    prepare: (k) => {
      given(k);
      reclaim(k, 0, A, B)();
    },
    threads: (k) => [settle(k, A, B), complete(k, 1, C), user(k, A + 1024)],
    check: ([settled, completed, used]) =>
      oneOf(LEASE_ENDED)([settled, completed]) ?? (typeof used === 'string' ? used : undefined),
  },
  {
    name: 'a settlement against a cancellation: it ends what it finds, given or orphaned',
    leased: [A],
    prepare: given,
    threads: (k) => [settle(k, A, B), cancel(k, 1, A)],
    check: expected(
      `${LEASE_ENDED},${LEASE_ORPHANED} ${BUFFER_FREE}`,
      `${LEASE_ENDED},${LEASE_STALE} ${BUFFER_FREE}`,
    ),
  },
  {
    name: 'a settlement ends nothing that another gave since',
    buffers: 1,
    leased: [A],
    prepare: given,
    threads: (k) => [
      (): number => {
        complete(k, 1, C)();
        return give(k, 2, C);
      },
      settle(k, A, B),
    ],
    check: ([gave, settled]: readonly number[]) =>
      (gave === LEASE_GIVEN) === (settled !== LEASE_ENDED) ? undefined : `gave ${gave}, settled ${settled}`,
  },
  {
    name: 'a release does not free what was given, and a second giving changes nothing',
    leased: [A],
    threads: (k) => [
      (): number[] => [give(k, 0, A), release(k, 0, A)(), give(k, 0, A, 71), give(k, 1, A, 71)],
      complete(k, 1, B, 71),
    ],
    check: ([own, other]: readonly any[]) =>
      own.join() === [LEASE_GIVEN, LEASE_STALE, LEASE_STALE, LEASE_STALE].join() &&
      (other === LEASE_STALE || other === LEASE_MISMATCHED)
        ? undefined
        : `${own.join()}, ${other}`,
  },
  {
    name: 'who completes on another thread reads what was written before the buffer was given, and the next user what it wrote',
    buffers: 1,
    leased: [A],
    threads: (k) => [
      (): string | undefined => {
        writeBytes(BYTES_AT, 5);
        give(k, 0, A);
        tell(FLAG); // submitted
        return user(k, A)();
      },
      (): string | undefined => {
        hear(FLAG);
        if (complete(k, 1, B)() !== LEASE_TAKEN) return 'not completed';
        const found = readBytes(BYTES_AT);
        writeBytes(BYTES_AT, 0);
        k.releaseLease(POOL, 0, 2, -1, B);
        return found === 5 ? undefined : `found ${found}`;
      },
    ],
    check: ([a, b]) => a ?? b,
  },
  {
    name: 'a pinned buffer given and handed over at once: one of them, and the other is told',
    threads: (k) => [
      (): number => k.givePinned(PINNED, 0, OPERATION),
      (): number => k.handOverPinned(PINNED, 0),
      (): number => k.handOverPinned(PINNED, 0),
    ],
    check: (results) =>
      oneOf(LEASE_GIVEN, LEASE_ENDED)(results) ??
      (peek(PINNED_WORD + 4) === 1 ? undefined : `generation ${peek(PINNED_WORD + 4)}`),
  },
  {
    name: 'a pinned buffer completed and cancelled at once, twice: one completion has it, cancelled or not',
    prepare: (k) => void k.givePinned(PINNED, 0, OPERATION),
    threads: (k) => [
      (): number => k.takePinned(PINNED, 1, OPERATION),
      (): number => k.takePinned(PINNED, 1, OPERATION),
      (): number => k.orphanPinned(PINNED, 1, OPERATION),
    ],
    check: ([first, second, cancelled]) =>
      oneOf(LEASE_TAKEN, LEASE_ENDED)([first, second]) ??
      ((cancelled === LEASE_ORPHANED) === [first, second].includes(LEASE_ENDED) &&
      (peek(PINNED_WORD) & 7) === BUFFER_LEASED
        ? undefined
        : `outcomes ${first}, ${second}, ${cancelled}, state ${peek(PINNED_WORD) & 7}`),
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'a pinned buffer that was cancelled is nobody’s after its completion',
    find: 'generation, -1, operation, 0, BUFFER_LEASED);',
    replace: 'generation, -1, operation, 0, 0);',
  },
  {
    name: 'a pinned buffer is given to the kernel in any generation',
    find: 'return giveWord(buffer + PINNED_BUFFER_ROOT_WORD, operationAt, generation, -1, operation, 0);',
    replace: 'return giveWord(buffer + PINNED_BUFFER_ROOT_WORD, operationAt, generation, 0, operation, 0);',
  },
  {
    name: 'giving does not note the operation',
    find: 'compareExchange64(operationAt, low(), high(), operation, phase);',
    replace: '',
  },
  {
    name: 'giving does not note since when',
    find: 'const phase = (high() + 1) | 0;',
    replace: 'const phase = high();',
  },
  {
    name: 'a completion does not look at the number',
    find: 'return LEASE_STALE;\n    if (found != operation || phase != current) return LEASE_MISMATCHED;\n    const to',
    replace: 'return LEASE_STALE;\n    const to',
  },
  {
    name: 'a completion does not look at the generation',
    find: '|| ((current ^ generation) & mask) != 0)\n      return LEASE_STALE;\n    if (found != operation || phase != current)',
    replace: ')\n      return LEASE_STALE;\n    if (found != operation)',
  },
  {
    name: 'a completion takes an orphan for its caller',
    find: 'const to = held(state == BUFFER_ORPHAN ? orphan : BUFFER_LEASED, owner);',
    replace: 'const to = held(BUFFER_LEASED, owner);',
  },
  {
    name: 'a completion takes without a CAS on what was observed',
    find: 'if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0)\n      return state ==',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), to, (current + 1) | 0) != 0) return state ==',
  },
  {
    name: 'a completion does not move the generation',
    find: 'if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0)\n      return state ==',
    replace: 'if (compareExchange64(word, holder, current, to, current) != 0) return state ==',
  },
  {
    name: 'a cancellation does not look at the state',
    find: 'if (stateOf(holder) != BUFFER_KERNEL || ((current ^ generation) & mask) != 0) return LEASE_STALE;\n    if (holder != held(BUFFER_KERNEL, owner)) return LEASE_FOREIGN;',
    replace: 'if (((current ^ generation) & mask) != 0) return LEASE_STALE;',
  },
  {
    name: 'a cancellation frees at once',
    find: 'held(BUFFER_ORPHAN, owner), current) != 0)\n      return LEASE_ORPHANED;',
    replace: 'held(BUFFER_FREE, owner), (current + 1) | 0) != 0)\n return LEASE_ORPHANED;',
  },
  {
    name: 'a cancellation moves the generation, so that no completion is the right one',
    find: 'held(BUFFER_ORPHAN, owner), current) != 0)\n      return LEASE_ORPHANED;',
    replace: 'held(BUFFER_ORPHAN, owner), (current + 1) | 0) != 0)\n      return LEASE_ORPHANED;',
  },
  {
    name: 'a cancellation is written without a CAS on what was observed',
    find: 'if (compareExchange64(word, holder, current, held(BUFFER_ORPHAN, owner), current) != 0)',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), held(BUFFER_ORPHAN, owner), high()) != 0)',
  },
  {
    name: 'a settlement does not look whose it is',
    find: 'if (holder != held(BUFFER_KERNEL, ended) && holder != held(BUFFER_ORPHAN, ended)) {',
    replace: 'if ((holder & 7) != BUFFER_KERNEL && (holder & 7) != BUFFER_ORPHAN) {',
  },
  {
    name: 'a settlement ends without a CAS on what was observed',
    file: 'ownership.ts',
    find: 'if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0)',
    replace:
      'load64(word); if (compareExchange64(word, low(), high(), held(BUFFER_FREE, owner), (current + 1) | 0) != 0)',
  },
  {
    name: 'a reclaim frees what the kernel has',
    find: 'if (compareExchange64(word, holder, current, held(BUFFER_ORPHAN, dead), current) != 0) {\n        set(returning, 0);\n        return LEASE_ORPHANED;\n      }\n      continue;',
    replace:
      'if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0) return LEASE_ENDED;\n      continue;',
  },
  {
    name: 'an adoption takes what the kernel has',
    find: 'if (stateOf(holder) != BUFFER_LEASED || ((current ^ generation) & mask) != 0) return LEASE_STALE;\n    // publish: pairs with the same in transition',
    replace:
      'if (stateOf(holder) == BUFFER_FREE) return LEASE_STALE;\n    // publish: pairs with the same in transition',
  },
];

modelSuite('ownership', PLOTS, MUTANTS);
