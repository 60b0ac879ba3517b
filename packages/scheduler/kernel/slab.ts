// Memory for payloads that are larger than a slot: blocks of powers of two, cut from a slab once and kept in a free list for each size.
//
// A block belongs to a slot, and to nobody else: whoever holds the slot gives it one, or frees it. So a block goes wherever its slot goes,
// whatever ends on the way, and a slot on its way into the free list frees its own. A thread may be terminated at any loop or function
// entry; none lies between the step that takes or frees a block and the write of `block` that says so.
//
// Tried and rejected: a block for each thread or client, which has to be searched when its thread has ended; a buddy allocator, whose
// merging takes more than one word.
import { popLinked, pushLinked } from '@corelane/lock-free/kernel/linked-stack';
import { compareExchange, get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  NO_BLOCK,
  SCHEDULER_ROOT_SLAB_AT,
  SLAB_BLOCK_GRANULE_MASK,
  SLAB_BLOCK_SIZE_CLASS_MASK,
  SLAB_BLOCK_SIZE_CLASS_SHIFT,
  SLAB_CLASS_BYTES,
  SLAB_CLASS_HEAD,
  SLAB_CLASS_MOST,
  SLAB_LINK_BYTES,
  SLAB_ROOT_BYTES,
  SLAB_ROOT_CLASSES,
  SLAB_ROOT_CUT,
  SLAB_ROOT_GRANULES,
  SLAB_ROOT_LINKS_AT,
  SLOT_HEAD_BLOCK,
} from './layout.generated.ts';
import { slotAt } from './places.ts';

/**
 * Gives a slot that the caller has for itself a block of this class, or of a larger one where there is none. Frees the one it had.
 * @returns the block, as in the slot, or NO_BLOCK: the slot has none
 */
export function takeBlock(scheduler: i32, slot: i32, sizeClass: i32): i32 {
  const slab = get(scheduler + SCHEDULER_ROOT_SLAB_AT);
  const word = slotAt(scheduler, slot) + SLOT_HEAD_BLOCK;
  const had = get(word);
  if (had != 0) {
    if (classOf(had) == sizeClass) return had;
    freeBlock(scheduler, slot);
  }
  const classes = get(slab + SLAB_ROOT_CLASSES);
  for (let from = sizeClass; from < classes; from++) {
    const head = classAt(slab, from) + SLAB_CLASS_HEAD;
    let granule = popLinked(head, get(slab + SLAB_ROOT_LINKS_AT), SLAB_LINK_BYTES);
    if (granule < 0) granule = cutBlock(slab, from);
    if (granule >= 0) {
      const block = (granule + 1) | (from << SLAB_BLOCK_SIZE_CLASS_SHIFT);
      set(word, block);
      return block;
    }
  }
  return NO_BLOCK;
}

/** Takes the block of a slot that the caller has for itself back, where it has one. */
export function freeBlock(scheduler: i32, slot: i32): void {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_BLOCK;
  const block = get(word);
  if (block == 0) return;
  const slab = get(scheduler + SCHEDULER_ROOT_SLAB_AT);
  const granule = ((block & SLAB_BLOCK_GRANULE_MASK) - 1) | 0;
  const sizeClass = classOf(block);
  // Whatever was written over it, nothing beyond the slab is touched.
  if (
    slab != 0 &&
    granule >= 0 &&
    granule < get(slab + SLAB_ROOT_GRANULES) &&
    sizeClass < get(slab + SLAB_ROOT_CLASSES)
  )
    pushLinked(
      classAt(slab, sizeClass) + SLAB_CLASS_HEAD,
      get(slab + SLAB_ROOT_LINKS_AT),
      SLAB_LINK_BYTES,
      granule,
      granule,
    );
  set(word, 0);
}

/** @returns the first granule of a new block, or -1 where the slab has no room for one of this class */
function cutBlock(slab: i32, sizeClass: i32): i32 {
  const most = get(classAt(slab, sizeClass) + SLAB_CLASS_MOST);
  while (true) {
    const granule = load(slab + SLAB_ROOT_CUT);
    const next = granule + (1 << sizeClass);
    if (next > most) return -1;
    // claim: against every other thread that cuts; whoever wins has the granules for good.
    if (compareExchange(slab + SLAB_ROOT_CUT, granule, next) == granule) return granule;
  }
}

function classOf(block: i32): i32 {
  return (block >>> SLAB_BLOCK_SIZE_CLASS_SHIFT) & SLAB_BLOCK_SIZE_CLASS_MASK;
}

function classAt(slab: i32, sizeClass: i32): i32 {
  return slab + SLAB_ROOT_BYTES + sizeClass * SLAB_CLASS_BYTES;
}
