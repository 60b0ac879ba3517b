// The standard event buffer's own risks: rings touched without the mutex, a mutex that is not given back, a death between two words.
import { killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { mutexWords } from '@corelane/lock-free';
import { expect, test } from 'vitest';
import {
  EVENT_NONE,
  EVENT_REFUSED_FULL,
  EVENT_URGENT,
  STANDARD_CLOSED,
  eventBufferRoot,
  eventHeader,
  eventJournal,
  eventSeat,
  standardCell,
} from '../src/layout.ts';
import { expectAll, writePolicy } from './model.ts';
import * as payload from './kernel/payload.ts';

type Kernel = typeof import('../kernel/standard-events.ts');

const CLOCK = 8;
const POLICY = 64;
const CELL = 256;
const align = (at: number): number => Math.ceil(at / 128) * 128;
const BUFFER = align(CELL + standardCell.bytes);
const CAPACITY = 2;
const SEATS = align(BUFFER + eventBufferRoot.bytes + 2 * CAPACITY * eventHeader.bytes);
const PAYLOADS = SEATS + 3 * eventSeat.bytes;
const BYTES = PAYLOADS + 2 * CAPACITY * 8;
const NORMAL = 0;

const seatOf = (index: number): number => SEATS + index * eventSeat.bytes;
const payloadOf = (slot: number): number => PAYLOADS + slot * 8;
const mutexAt = (at: number): number => at + mutexWords.offset.state;
const NAMES = Object.fromEntries([
  ...eventBufferRoot.fields.map(({ name, offsetBytes }) => [BUFFER + offsetBytes, name]),
  ...[0, 1, 2].flatMap((index) =>
    eventSeat.fields.map(({ name, offsetBytes }) => [seatOf(index) + offsetBytes, `seat${index}.${name}`]),
  ),
]) as Record<number, string>;

function setup(k: Kernel): void {
  writePolicy(POLICY, {});
  poke(CELL + standardCell.offset.policy, POLICY);
  poke(CELL + standardCell.offset.state, STANDARD_CLOSED);
  poke(BUFFER + eventBufferRoot.offset.capacity, CAPACITY);
  poke(BUFFER + eventBufferRoot.offset.cells, CELL);
  poke(BUFFER + eventBufferRoot.offset.clock, CLOCK);
  // The first position is the last before all of them wrap.
  k.initializeStandardEvents(BUFFER, -2, -1);
  for (let i = 0; i < 3; i++) poke(seatOf(i) + eventSeat.offset.owner, i + 1);
}

/** Puts one event in, once. @returns 1 where it was accepted */
function put(k: Kernel, seat: number, urgent: number, value: number): number {
  const slot = k.claimStandardEvents(BUFFER, seatOf(seat), 0, 1, urgent, seat + 1);
  if (slot < 0) return slot;
  payload.write(payloadOf(slot), value);
  return k.publishStandardEvents(BUFFER, seatOf(seat), 1, 4, seat + 1);
}

/** Takes up to two events, once. */
function take(k: Kernel, seat: number): number[] {
  const first = k.takeStandardEvents(BUFFER, seatOf(seat), 2, seat + 1);
  if (first === EVENT_NONE) return [];
  const count = payload.read(seatOf(seat) + eventSeat.offset.take) >>> eventJournal.field.left.shift;
  const values = Array.from({ length: count }, (_, i) =>
    payload.read(payloadOf(((first + i) & (CAPACITY - 1)) | (first & CAPACITY))),
  );
  k.releaseStandardEvents(BUFFER, seatOf(seat), count, seat + 1);
  return values;
}

function drain(k: Kernel): number[] {
  const out: number[] = [];
  for (let more = take(k, 2); more.length > 0; more = take(k, 2)) out.push(...more);
  return out;
}

/** With at most two preemptions: a thread looks thirty times at a mutex that is held, between any two steps of the other. */
function scenario(
  name: string,
  k: Kernel,
  threads: Scenario['threads'],
  check: NonNullable<Scenario['check']>,
  more: Partial<Scenario> = {},
): Scenario {
  return {
    name,
    bytes: BYTES,
    names: NAMES,
    setup: () => setup(k),
    threads,
    check,
    maxSteps: 400,
    preemptions: 2,
    ...more,
  };
}

const areFree = (): readonly [boolean, string] => [
  peek(mutexAt(BUFFER + eventBufferRoot.offset.standardMutex)) === 0 &&
    peek(mutexAt(CELL + standardCell.offset.mutex)) === 0,
  'a mutex is left',
];

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'what goes in comes out once',
      k,
      [() => put(k, 0, NORMAL, 5), () => take(k, 1)],
      ([done, out]) =>
        expectAll(
          [done === 1, `put ${done}`],
          [[...out, ...drain(k)].join() === '5', 'it did not come out once'],
          areFree(),
        ),
    ),
  (k) =>
    scenario(
      'two producers of different priorities get slots of their own',
      k,
      [() => put(k, 0, NORMAL, 5), () => put(k, 1, EVENT_URGENT, 6)],
      (r) =>
        expectAll(
          [r.join() === '1,1', `put ${r.join()}`],
          [drain(k).join() === '6,5', 'wrong order'],
          areFree(),
        ),
    ),
  (k) =>
    scenario(
      'two consumers take different events',
      k,
      [() => take(k, 0), () => take(k, 1)],
      ([a, b]) =>
        expectAll(
          [[...a, ...b].toSorted((one, other) => one - other).join() === '5,6', `took ${a} and ${b}`],
          areFree(),
        ),
      {
        setup() {
          setup(k);
          put(k, 2, NORMAL, 5);
          put(k, 2, EVENT_URGENT, 6);
        },
      },
    ),
  (k) =>
    scenario(
      'a full ring refuses until somebody releases',
      k,
      [() => put(k, 0, NORMAL, 7), () => take(k, 1)],
      ([done, out]) =>
        expectAll(
          [done === 1 || done === EVENT_REFUSED_FULL, `put ${done}`],
          [[...out, ...drain(k)].join() === (done === 1 ? '5,6,7' : '5,6'), 'not what was accepted'],
          [put(k, 2, NORMAL, 8) === 1 && put(k, 2, NORMAL, 9) === 1, 'no room in an empty ring'],
          areFree(),
        ),
      {
        setup() {
          setup(k);
          put(k, 2, NORMAL, 5);
          put(k, 2, NORMAL, 6);
        },
      },
    ),
  (k) =>
    scenario(
      'a claim whose thread has ended is passed by',
      k,
      [() => k.abandonStandardClaim(BUFFER, seatOf(0), 2), () => [put(k, 2, NORMAL, 6), ...take(k, 2)]],
      ([abandoned, [done, ...out]]) =>
        expectAll(
          [abandoned === 1 && done === 1, `abandoned ${abandoned}, put ${done}`],
          [[...out, ...drain(k)].join() === '6', 'it did not come out once'],
          areFree(),
        ),
      {
        setup() {
          setup(k);
          k.claimStandardEvents(BUFFER, seatOf(0), 0, 1, NORMAL, 1);
        },
      },
    ),
];

const ENTER = 'if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);';
const without = (name: string, body: string): Mutant => ({
  name,
  file: 'standard-events.ts',
  find: `${ENTER}\n  ${body}`,
  replace: body,
});

const mutants: Mutant[] = [
  without('claims without the mutex', 'const slot = claim('),
  without('publishes without the mutex', 'const published = publish('),
  without('takes without the mutex', 'const slot = take('),
  without('releases without the mutex', 'const events = release('),
  {
    name: 'the mutex stays with who has published',
    file: 'standard-events.ts',
    find: 'const published = publish(buffer, seat, count, length);\n  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);',
    replace: 'const published = publish(buffer, seat, count, length);',
  },
  {
    name: 'takes what is claimed and not published',
    file: 'event-slot.ts',
    find: 'if (state != stateOf(position, EVENT_READY))',
    replace: 'if (state != stateOf(position, EVENT_READY) && state != stateOf(position, EVENT_FREE))',
  },
  {
    name: 'a released slot is free for the lap that it was of',
    file: 'standard-events.ts',
    find: 'set(at, stateOf((position + capacity) & POSITION_MASK, EVENT_FREE));',
    replace: 'set(at, stateOf(position, EVENT_FREE));',
  },
];

test('the rings stay under their mutex, and every mutant is caught', { timeout: 60_000 }, () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/standard-events.ts', import.meta.url),
    mutants,
    scenarios,
  });
  expect(baseline).toHaveLength(scenarios.length);
  expect(kills).toHaveLength(mutants.length);
});
