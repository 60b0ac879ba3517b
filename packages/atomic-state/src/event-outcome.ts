// Priorities, and why an event is not taken: numbers, as everything on the path of an event.
import { ArgumentRangeError } from '@corelane/shared-memory';
import {
  EVENT_REFUSED_BOMB,
  EVENT_REFUSED_COMPRESSED,
  EVENT_REFUSED_FULL,
  EVENT_REFUSED_UNINSPECTED,
  EVENT_REFUSED_UNREADABLE,
  EVENT_URGENT,
} from './layout.ts';
import { Refusal } from './outcome.ts';

/** Urgent events are taken before normal ones. */
export const Priority = { Normal: 0, Urgent: EVENT_URGENT } as const;

export type Priority = (typeof Priority)[keyof typeof Priority];

/** Why an event was not taken, beside the reasons of `Refusal`: a negative outcome. Any outcome from 0 up is an id. */
export const EventRefusal = {
  /** No room in the ring of this priority. */
  Full: EVENT_REFUSED_FULL,
  /** It begins like a gzip, zip, xz or zstd file: `enqueueInspected` looks what it is. */
  Compressed: EVENT_REFUSED_COMPRESSED,
  /** It inflates to too much, or for too long. */
  Bomb: EVENT_REFUSED_BOMB,
  /** It could not be inflated to the end: corrupt, or not what it was declared as, or of a format that the inspector does not know. */
  Unreadable: EVENT_REFUSED_UNREADABLE,
  /** The inspector had no time for it. */
  Uninspected: EVENT_REFUSED_UNINSPECTED,
} as const;

/** Every reason for which an event is refused, by name. */
export const EVENT_REFUSAL_CODES = {
  throttled: Refusal.Throttled,
  open: Refusal.Open,
  probing: Refusal.Probing,
  isolated: Refusal.Isolated,
  full: EventRefusal.Full,
  compressed: EventRefusal.Compressed,
  bomb: EventRefusal.Bomb,
  unreadable: EventRefusal.Unreadable,
  uninspected: EventRefusal.Uninspected,
} as const;

export type EventRefusalName = keyof typeof EVENT_REFUSAL_CODES;

const NAMES = new Map<number, EventRefusalName>(
  Object.entries(EVENT_REFUSAL_CODES).map(([name, code]) => [code, name as EventRefusalName]),
);

/** What `enqueue` and its like returned, by name, for logs and exhaustive switches. @throws ArgumentRangeError where it is no outcome */
export function enqueueOutcomeName(outcome: number): 'accepted' | EventRefusalName {
  if (outcome >= 0) return 'accepted';
  const name = NAMES.get(outcome);
  if (name === undefined)
    throw new ArgumentRangeError('outcome', outcome, 'an id, or one of Refusal and EventRefusal');
  return name;
}
