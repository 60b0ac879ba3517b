// Consumers that wait for events, and producers that wake them only where somebody waits: all interleavings.
import { killsMutants, type Mutant, peek, repeat, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import { eventBufferRoot } from '../src/layout.ts';
import { BUFFER, conserved, type Events, NORMAL, nth, Place, say } from './event-model.ts';

const SPOT = BUFFER + eventBufferRoot.offset.parker;

interface Waiter {
  readonly isAsleep: boolean;
  readonly out: readonly string[];
}

/** Waits for one event, as EventWait does. */
const waiter = (k: Events, place: Place, seat: number): Scenario['threads'][number] =>
  repeat<Waiter>(
    { isAsleep: false, out: [] },
    ({ isAsleep }) => {
      if (!isAsleep) k.sleepAtEvents(BUFFER, place.seat(seat));
      const sequence = k.prepare(SPOT);
      const out = place.take(k, seat);
      if (out.length === 0) k.park(SPOT, sequence, -1);
      else k.wakeAtEvents(BUFFER, place.seat(seat));
      return { isAsleep: true, out };
    },
    ({ out }) => out.length > 0,
  );

/** Claims in `setup`, so that only publishing is searched. */
const publisher = (k: Events, place: Place, seat: number) => () =>
  k.publishEvents(BUFFER, place.seat(seat), 1, 4);

const nobodyIsAsleep = (): string | undefined =>
  peek(BUFFER + eventBufferRoot.offset.sleepers) === 0 ? undefined : 'somebody is counted as asleep';

const put = (...values: number[]): { refused: number; accepted: string[] } => ({
  refused: 0,
  accepted: values.map((n) => say(nth(n), NORMAL, 0)),
});

const SCENARIOS: ((k: Events) => Scenario)[] = [
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a consumer that waits finds the event',
      [publisher(k, place, 0), waiter(k, place, 1)],
      ([, { out }]) => nobodyIsAsleep() ?? conserved(k, place, [put(0)], out),
      {
        setup: () => {
          place.setup(k);
          place.claim(k, 0, NORMAL, 1);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ seats: 4 });
    return place.scenario(
      k,
      'two consumers that wait, two producers that publish in either order: nobody sleeps beside an event',
      [publisher(k, place, 0), publisher(k, place, 3), waiter(k, place, 1), waiter(k, place, 2)],
      ([, , a, b]) => nobodyIsAsleep() ?? conserved(k, place, [put(0, 1)], [...a.out, ...b.out]),
      {
        preemptions: 2,
        setup: () => {
          place.setup(k);
          place.claim(k, 0, NORMAL, 1);
          place.claim(k, 3, NORMAL, 1);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ seats: 4 });
    return place.scenario(
      k,
      'a batch wakes all that wait',
      [() => k.publishEvents(BUFFER, place.seat(0), 2, 4), waiter(k, place, 1), waiter(k, place, 2)],
      ([, a, b]) => nobodyIsAsleep() ?? conserved(k, place, [put(0, 1)], [...a.out, ...b.out]),
      {
        preemptions: 3,
        setup: () => {
          place.setup(k);
          place.claim(k, 0, NORMAL, 2);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a thread that reclaims one that slept wakes the others, to pass by what it abandons',
      [
        () => {
          if (k.passSeat(place.seat(0), 1, 3) === 0) return 'not mine';
          k.abandonClaim(BUFFER, place.seat(0));
          k.forgetSleeper(BUFFER, place.seat(0));
          return 'reclaimed';
        },
        waiter(k, place, 1),
      ],
      ([, { out }]) => nobodyIsAsleep() ?? conserved(k, place, [put(1)], out, [nth(0)]),
      {
        setup: () => {
          place.setup(k);
          place.claim(k, 0, NORMAL, 1);
          k.sleepAtEvents(BUFFER, place.seat(0)); // and ended so
          place.claim(k, 2, NORMAL, 1);
          k.publishEvents(BUFFER, place.seat(2), 1, 4);
        },
      },
    );
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'a producer looks for waiting consumers before it publishes',
    find: 'const at = stateAt(buffer, position, urgentOf(journal), capacity);\n    const free = stateOf(position, EVENT_FREE);',
    replace:
      'const at = stateAt(buffer, position, urgentOf(journal), capacity); const free = stateOf(position, EVENT_FREE); if (load(buffer + EVENT_BUFFER_ROOT_SLEEPERS) == 0) { compareExchange(at, free, stateOf(position, EVENT_READY)); return count; }',
    expect: 'deadlock',
  },
  {
    name: 'a consumer that leaves does not pass the wake-up on',
    find: 'if (sub(buffer + EVENT_BUFFER_ROOT_SLEEPERS, 1) != 1) unpark(buffer + EVENT_BUFFER_ROOT_PARKER, 1);',
    replace: 'sub(buffer + EVENT_BUFFER_ROOT_SLEEPERS, 1);',
    expect: 'deadlock',
  },
  {
    name: 'a consumer that waits is not counted',
    find: 'add(buffer + EVENT_BUFFER_ROOT_SLEEPERS, 1); // publish: pairs with the load in publishEvents',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a batch wakes nobody',
    find: 'count == 1 ? 1 : -1',
    replace: 'count == 1 ? 1 : 0',
    expect: 'deadlock',
  },
  {
    name: 'reclaiming wakes nobody',
    find: 'if (load(buffer + EVENT_BUFFER_ROOT_SLEEPERS) != 0) unpark(buffer + EVENT_BUFFER_ROOT_PARKER, -1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'who ended asleep is counted for ever',
    find: 'if (asleep != 0) sub(buffer + EVENT_BUFFER_ROOT_SLEEPERS, asleep);',
    replace: '',
    expect: 'check',
  },
];

test(
  'nobody sleeps beside an event in any interleaving, and every mutant is caught',
  { timeout: 120_000 },
  () => {
    const { baseline, kills } = killsMutants<Events>({
      kernel: new URL('./kernel/events.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(baseline.every((s) => s.accesses > 0)).toBe(true);
    expect(kills).toHaveLength(MUTANTS.length);
  },
);
