// The journal of a seat: which positions it holds, in one word. Pure: nothing here touches memory.
import { POSITION_MASK } from './event-position.ts';
import {
  EVENT_JOURNAL_LEFT_ONE,
  EVENT_JOURNAL_LEFT_SHIFT,
  EVENT_JOURNAL_URGENT_SHIFT,
} from './layout.generated.ts';

export function journalOf(position: i32, count: i32, urgent: i32): i32 {
  return (count << EVENT_JOURNAL_LEFT_SHIFT) | (urgent << EVENT_JOURNAL_URGENT_SHIFT) | position;
}

/** The first position. */
export function positionOf(journal: i32): i32 {
  return journal & POSITION_MASK;
}

export function urgentOf(journal: i32): i32 {
  return (journal >>> EVENT_JOURNAL_URGENT_SHIFT) & 1;
}

/** How many positions. */
export function leftOf(journal: i32): i32 {
  return journal >>> EVENT_JOURNAL_LEFT_SHIFT;
}

/** Without the first. */
export function withoutFirst(journal: i32): i32 {
  const next = (positionOf(journal) + 1) & POSITION_MASK;
  return ((journal & ~POSITION_MASK) - EVENT_JOURNAL_LEFT_ONE) | next;
}
