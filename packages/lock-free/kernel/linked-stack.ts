// Stacks of indices whose links lie where the caller wants them, for any number of threads.
// After R. K. Treiber, "Systems Programming: Coping with Parallelism" (1986), with the tagged head of the IBM System/370
// compare-double-and-swap. The protocol is in PROTOCOL.md, section 1.
//
// `head` is the byte address of a 64-bit word, 0 at first; the link of index i is the 32-bit word at `links + i * stride`. Several
// heads may share links, since an index is in one stack at a time: whoever popped it holds its link. index-stack.ts is one head
// with its links behind it; the pool of @corelane/buffer-pool has a head for each owner, and the link of a buffer on the buffer's own line.
//
// Tried and rejected: a tag bumped by pushes too. Either suffices: the same head (tag and top) then means that nothing happened,
// since what was popped can't come back without the tag moving. Pops alone make the tag a count of what was taken.
import { compareExchange64, high, load, load64, low, store } from '@corelane/shared-memory/kernel/atomics';
import { LINK_END, STACK_EMPTY } from './layout.generated.ts';

/**
 * Pushes indices that the caller holds and has linked: `first` becomes the top, `last` lies on what was there.
 */
export function pushLinked(head: i32, links: i32, stride: i32, first: i32, last: i32): void {
  const link = links + last * stride;
  load64(head);
  while (true) {
    const top = low();
    const tag = high();
    store(link, top);
    // publish: hands over the links of the chain and whatever the caller wrote to what the indices stand for; pairs with observe
    // in popLinked and popLinkedChain. Where it fails it observes the head anew.
    if (compareExchange64(head, top, tag, (first + 1) | 0, tag) != 0) return;
  }
}

/** @returns the top index, which the caller holds from now on, or STACK_EMPTY */
export function popLinked(head: i32, links: i32, stride: i32): i32 {
  load64(head); // observe: pairs with publish in pushLinked
  while (true) {
    const top = low();
    const tag = high();
    if (top == 0) return STACK_EMPTY;
    // Atomic: if another thread has popped `top` meanwhile, it may be writing this word. The tag then makes our CAS fail.
    const below = load(links + ((top - 1) | 0) * stride);
    if (compareExchange64(head, top, tag, below, (tag + 1) | 0) != 0) return (top - 1) | 0;
  }
}

/**
 * Pops the upper `most` (at least 1) indices, or all where there are fewer, at once.
 * @param capacity how many indices there are: 0 to capacity - 1
 * @returns the top one, or STACK_EMPTY. The caller holds the chain below it, `most` long or up to LINK_END.
 */
export function popLinkedChain(head: i32, links: i32, stride: i32, capacity: i32, most: i32): i32 {
  load64(head); // observe: pairs with publish in pushLinked
  while (true) {
    const top = low();
    const tag = high();
    if (top == 0) return STACK_EMPTY;
    let below = top;
    let taken = 0;
    // A link that does not lead to an index was written after the head had moved on: the CAS fails. `most` bounds a stale cycle.
    while (taken < most && below > LINK_END && below <= capacity) {
      below = load(links + ((below - 1) | 0) * stride);
      taken = (taken + 1) | 0;
    }
    // The same head means that no link in the stack has changed since it was observed, so the walk was of one state.
    if (compareExchange64(head, top, tag, below, (tag + taken) | 0) != 0) return (top - 1) | 0;
  }
}
