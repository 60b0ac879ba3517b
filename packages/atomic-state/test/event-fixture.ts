// A small event buffer with one endpoint, and what is in it as text.
import { Arena } from '@corelane/shared-memory';
import {
  EventBuffer,
  type EventBufferOptions,
  type EventRecord,
  StateMachine,
  type EndpointOptions,
} from '../src/index.ts';
import { implementation } from './implementation.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (event: EventRecord): string => decoder.decode(event.bytes);

export function make(
  options: Partial<EventBufferOptions> = {},
  endpoint: EndpointOptions = {},
): { arena: Arena; machine: StateMachine; events: EventBuffer; endpoint: number } {
  const arena = Arena.create({ bytes: 1 << 21 });
  const machine = StateMachine.create(arena, { endpoints: 4, implementation: implementation() });
  const events = EventBuffer.create(arena, { machine, capacity: 4, maxEventBytes: 100, ...options });
  return { arena, machine, events, endpoint: machine.endpoint('a', endpoint) };
}

/** Everything that is in it, as text. */
export function drained(events: EventBuffer): string[] {
  using consumer = events.consumer();
  const out: string[] = [];
  consumer.drain((event) => out.push(`${event.id}:${textOf(event)}`));
  return out;
}
