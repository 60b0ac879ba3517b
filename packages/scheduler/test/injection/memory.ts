// Whether everything in shared memory came back: slots, and blocks of payloads.
import {
  SLOT_DONE,
  SLOT_FREE,
  SLOT_HELD,
  slabBlock,
  slabClass,
  slabLink,
  slabRoot,
  slotHead,
} from '../../src/layout.ts';
import type { Scheduler } from '../../src/index.ts';
import { clientIn, SchedulerTable, stateIn } from '../../src/table.ts';

const OWNER = 1;

/** What has not come back, when the owner's client is the only one and has nothing in flight. */
export function missingIn(scheduler: Scheduler): string[] {
  const table = SchedulerTable.attach(scheduler.handle);
  const missing: string[] = [];
  let heldGranules = 0;
  for (let slot = 0; slot < table.slots; slot++) {
    const word = table.stateOf(slot);
    const state = stateIn(word);
    // The owner's client keeps some for its next tasks, as it took them.
    const isKept = (state === SLOT_HELD || state === SLOT_DONE) && clientIn(word) === OWNER;
    const isBack = state === SLOT_FREE || isKept;
    if (!isBack) missing.push(`slot ${slot} is in state ${state} of client ${clientIn(word) - 1}`);
    const block = table.i32[table.slotWord(slot) + slotHead.word.block] as number;
    if (block !== 0)
      heldGranules += 2 ** ((block >>> slabBlock.field.sizeClass.shift) & slabBlock.field.sizeClass.mask);
  }
  if (heldGranules > 0) missing.push(`slots that nobody uses have ${heldGranules} granules of blocks`);
  const { slow } = table;
  if (slow !== undefined) {
    const { queued } = slow.counts();
    if (queued !== 0) missing.push(`${queued} tasks are counted in the slow lane, expected 0`);
    for (let source = 0; source < table.names.capacity; source++)
      if (slow.queuedOf(source) !== 0)
        missing.push(
          `${slow.queuedOf(source)} tasks of source ${source} are counted in the slow lane, expected 0`,
        );
  }
  const { cut, free } = granulesOf(table);
  if (cut !== free) missing.push(`${free} granules of blocks are free, expected the ${cut} that were cut`);
  return missing;
}

/** @returns granules that blocks were cut from, and those of the blocks in free lists */
function granulesOf(table: SchedulerTable): { cut: number; free: number } {
  const { slab, arena } = table;
  if (slab === undefined) return { cut: 0, free: 0 };
  const { i32 } = arena;
  const root = slab.at >> 2;
  const linksAt = (i32[root + slabRoot.word.linksAt] as number) >> 2;
  const granules = i32[root + slabRoot.word.granules] as number;
  let free = 0;
  for (let sizeClass = 0; sizeClass < (i32[root + slabRoot.word.classes] as number); sizeClass++) {
    const head = (slab.at + slabRoot.bytes + sizeClass * slabClass.bytes) >> 2;
    let next = i32[head + slabClass.word.head] as number;
    for (let steps = 0; next > 0; steps++) {
      if (steps > granules) throw new Error(`the free blocks of class ${sizeClass} go round in a circle`);
      free += 2 ** sizeClass;
      next = i32[linksAt + ((next - 1) * slabLink.bytes) / 4 + slabLink.word.next] as number;
    }
  }
  return { cut: i32[root + slabRoot.word.cut] as number, free };
}
