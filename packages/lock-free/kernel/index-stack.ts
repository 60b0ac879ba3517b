// Stack of indices for any number of threads: a free list. The algorithm is in linked-stack.ts, the protocol in PROTOCOL.md, section 1.
//
// `stack` is the byte address of the root, a multiple of 128: it is `handle.at` of an IndexStack. Two levels:
//   pushStack, popStack, pushChain, popChain   one CAS; the caller knows that it holds what it pushes (a pool, by its own states)
//   pushIndex, popIndex                        one more atomic access marks who is out, so that a second push is refused
// A stack is used on one level only.
import {
  compareExchange,
  compareExchange64,
  exchange,
  get,
  high,
  load,
  load64,
  low,
  set,
  store,
} from '@corelane/shared-memory/kernel/atomics';
import {
  INDEX_PRESENT,
  INDEX_PUSHED,
  INDEX_STACK_ROOT_BYTES,
  INDEX_STACK_ROOT_CAPACITY,
  INDEX_STACK_ROOT_HEAD,
  LINK_END,
  LINK_OUT,
  STACK_EMPTY,
  STACK_LINK_BYTES,
  STACK_LINK_NEXT,
} from './layout.generated.ts';
import { popLinked, popLinkedChain, pushLinked } from './linked-stack.ts';

/**
 * Before the stack is shared. `filled` not 0: holds every index, 0 on top; else none.
 */
export function initializeStack(stack: i32, capacity: i32, filled: i32): void {
  set(stack + INDEX_STACK_ROOT_CAPACITY, capacity);
  for (let index = 0; index < capacity; index++) {
    const below = index + 1 < capacity ? index + 2 : LINK_END;
    store(linkOf(stack, index), filled != 0 ? below : LINK_OUT);
  }
  replaceHead(stack, filled != 0 ? 1 : 0);
}

function replaceHead(stack: i32, top: i32): void {
  load64(stack + INDEX_STACK_ROOT_HEAD);
  compareExchange64(stack + INDEX_STACK_ROOT_HEAD, low(), high(), top, 0);
}

/** Pushes an index that the caller holds. */
export function pushStack(stack: i32, index: i32): void {
  pushChain(stack, index, index);
}

/**
 * Pushes indices that the caller holds and has linked with `linkIndex`: `first` becomes the top, `last` lies on what was there.
 */
export function pushChain(stack: i32, first: i32, last: i32): void {
  pushLinked(stack + INDEX_STACK_ROOT_HEAD, linkOf(stack, 0), STACK_LINK_BYTES, first, last);
}

/** Writes what lies below an index that the caller holds, before `pushChain`. */
export function linkIndex(stack: i32, index: i32, below: i32): void {
  store(linkOf(stack, index), (below + 1) | 0);
}

/** @returns the top index, which the caller holds from now on, or STACK_EMPTY */
export function popStack(stack: i32): i32 {
  return popLinked(stack + INDEX_STACK_ROOT_HEAD, linkOf(stack, 0), STACK_LINK_BYTES);
}

/**
 * Pops the upper `most` (at least 1) indices, or all where there are fewer, at once.
 * @returns the top one, or STACK_EMPTY. The caller holds the chain below it (`belowIndex`), `most` long or up to STACK_EMPTY.
 */
export function popChain(stack: i32, most: i32): i32 {
  const capacity = get(stack + INDEX_STACK_ROOT_CAPACITY);
  return popLinkedChain(stack + INDEX_STACK_ROOT_HEAD, linkOf(stack, 0), STACK_LINK_BYTES, capacity, most);
}

/** What lay below an index that the caller popped with `popChain`, or STACK_EMPTY. */
export function belowIndex(stack: i32, index: i32): i32 {
  return (load(linkOf(stack, index)) - 1) | 0;
}

/** Takes an index that is not in the stack for a push. @returns INDEX_PUSHED, or INDEX_PRESENT where it is in the stack */
export function claimIndex(stack: i32, index: i32): i32 {
  // claim: against every other claimIndex of this index; pairs with the marks of popIndex and unlinkIndex.
  return compareExchange(linkOf(stack, index), LINK_OUT, LINK_END) == LINK_OUT ? INDEX_PUSHED : INDEX_PRESENT;
}

/** Pushes an index unless it is in the stack. @returns INDEX_PUSHED or INDEX_PRESENT */
export function pushIndex(stack: i32, index: i32): i32 {
  if (claimIndex(stack, index) == INDEX_PRESENT) return INDEX_PRESENT;
  pushStack(stack, index);
  return INDEX_PUSHED;
}

/** Pops the top index and marks it as out. @returns it, or STACK_EMPTY */
export function popIndex(stack: i32): i32 {
  const index = popStack(stack);
  if (index != STACK_EMPTY) store(linkOf(stack, index), LINK_OUT); // pairs with claimIndex
  return index;
}

/** Marks an index that the caller popped with `popChain`, or claimed, as out. @returns what lay below it, or STACK_EMPTY */
export function unlinkIndex(stack: i32, index: i32): i32 {
  return (exchange(linkOf(stack, index), LINK_OUT) - 1) | 0; // pairs with claimIndex
}

function linkOf(stack: i32, index: i32): i32 {
  return stack + INDEX_STACK_ROOT_BYTES + index * STACK_LINK_BYTES + STACK_LINK_NEXT;
}
