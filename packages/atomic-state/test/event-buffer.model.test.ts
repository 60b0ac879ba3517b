// All interleavings of the event buffer's kernel: rings of two slots, ids and positions that wrap between the first event and the second.
// Longer than other files: every mutant is run against all scenarios, which stand in one list.
import { killsMutants, type Mutant, peek, poke, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import {
  EVENT_LOST,
  EVENT_NONE,
  EVENT_REFUSED_FULL,
  cell,
  eventBufferRoot,
  eventHeader,
  eventJournal,
  eventSeat,
  HALF_OPEN,
  ledger,
  REFUSED_THROTTLED,
} from '../src/layout.ts';
import {
  BUFFER,
  conserved,
  type Events,
  halves,
  NORMAL,
  nth,
  Place,
  type Put,
  say,
  URGENT,
} from './event-model.ts';
import { CELL } from './model.ts';

/** Of a single consumer: the events of each producer and priority come out in the order in which they went in. */
function inOrder(puts: readonly Put[], out: readonly string[]): string | undefined {
  for (const { accepted } of puts)
    for (const ring of ['u', 'n']) {
      const made = accepted.filter((event) => event.includes(ring) && out.includes(event));
      const came = out.filter((event) => made.includes(event));
      if (made.join() !== came.join()) return `went in ${made.join()}, came out ${came.join()}`;
    }
  return undefined;
}

const leftIn = (place: Place, seat: number, journal: 'claim' | 'take'): number =>
  peek(place.seat(seat) + eventSeat.offset[journal]) >>> eventJournal.field.left.shift;

const merge = (...puts: readonly Put[]): Put => ({
  refused: puts.find((put) => put.refused !== 0)?.refused ?? 0,
  accepted: puts.flatMap((put) => put.accepted),
});

/** Ten tokens, and none come in while a scenario lasts. */
const LIMITED = { burst: 10, refillPerSecond: 0.001 };

const SCENARIOS: ((k: Events) => Scenario)[] = [
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'two laps: what a producer puts in comes out in order, once',
      [
        () => merge(...[1, 2, 3].map((value) => place.put(k, 0, NORMAL, [value]))),
        () => [1, 2, 3].flatMap(() => place.take(k, 1)),
      ],
      ([put, out]) => inOrder([put], [...out, ...[]]) ?? conserved(k, place, [put], out),
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'two producers, a batch and a single event, one consumer',
      [
        () => place.put(k, 0, NORMAL, [1, 2]),
        () => place.put(k, 1, NORMAL, [3]),
        () => [...place.take(k, 2), ...place.take(k, 2)],
      ],
      ([a, b, out]) => inOrder([a, b], out) ?? conserved(k, place, [a, b], out),
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'two producers of different priorities: ids without a gap over both',
      [
        () => place.put(k, 0, NORMAL, [1]),
        () => place.put(k, 1, URGENT, [2, 3]),
        () => [...place.take(k, 2), ...place.take(k, 2)],
      ],
      ([a, b, out]) => inOrder([a, b], out) ?? conserved(k, place, [a, b], out),
    );
  },
  (k) => {
    const place = new Place();
    const consumer = (seat: number) => () => place.take(k, seat);
    return place.scenario(
      k,
      'two consumers: no event comes out twice',
      [() => merge(place.put(k, 0, NORMAL, [1]), place.put(k, 0, URGENT, [2])), consumer(1), consumer(2)],
      ([put, a, b]) => conserved(k, place, [put], [...a, ...b]),
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'two consumers that take batches of a full ring, a producer that waits for its room',
      [() => place.put(k, 0, NORMAL, [3, 4]), () => place.take(k, 1, 2), () => place.take(k, 2, 1)],
      ([put, a, b]) => {
        const before = { refused: 0, accepted: [say(nth(0), NORMAL, 1), say(nth(1), NORMAL, 2)] };
        return conserved(k, place, [before, put], [...a, ...b]);
      },
      {
        setup: () => {
          place.setup(k);
          place.put(k, 0, NORMAL, [1, 2]);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'an urgent event that was there is taken before a normal one',
      [() => place.put(k, 0, NORMAL, [3]), () => [...place.take(k, 1), ...place.take(k, 1)]],
      ([put, out]) =>
        out[0] === say(nth(1), URGENT, 2)
          ? conserved(
              k,
              place,
              [put, { refused: 0, accepted: [say(nth(0), NORMAL, 1), say(nth(1), URGENT, 2)] }],
              out,
            )
          : `took ${out.join()} first`,
      {
        setup: () => {
          place.setup(k);
          place.put(k, 0, NORMAL, [1]);
          place.put(k, 0, URGENT, [2]);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'an urgent claim that is not published stops urgent events, and no normal ones',
      [
        () => place.put(k, 1, URGENT, [2]),
        () => place.put(k, 2, NORMAL, [3]),
        () => [...place.take(k, 0), ...place.take(k, 0)],
      ],
      ([urgent, normal, out]) => {
        if (out.some((event: string) => event.includes('u'))) return `took ${out.join()} past a claim`;
        if (place.take(k, 0).join() !== normal.accepted.filter((e: string) => !out.includes(e)).join())
          return 'the normal event is stuck';
        k.abandonClaim(BUFFER, place.seat(0));
        return conserved(k, place, [urgent, normal], [...normal.accepted], [nth(0)]);
      },
      {
        setup: () => {
          place.setup(k);
          place.claim(k, 0, URGENT, 1);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ endpoint: LIMITED });
    return place.scenario(
      k,
      'two producers and room for both: none is refused, each pays once',
      [() => place.put(k, 0, NORMAL, [1]), () => place.put(k, 1, NORMAL, [2])],
      ([a, b]) =>
        a.refused === 0 && b.refused === 0 && place.tokens === 8
          ? conserved(k, place, [a, b], [])
          : `refused ${a.refused} and ${b.refused}, ${place.tokens} tokens are left`,
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'two consumers and an event for each: none finds nothing',
      [() => place.take(k, 1), () => place.take(k, 2)],
      ([a, b]) =>
        a.length === 1 && b.length === 1
          ? conserved(k, place, [{ refused: 0, accepted: [...a, ...b] }], [...a, ...b])
          : `took ${a.join()} and ${b.join()}`,
      {
        setup: () => {
          place.setup(k);
          place.put(k, 0, NORMAL, [1, 2]);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ endpoint: LIMITED });
    return place.scenario(
      k,
      'two producers and a ring that is full but for one slot: exactly one finds room, and one token is spent',
      [() => place.put(k, 0, NORMAL, [1]), () => place.put(k, 1, NORMAL, [2])],
      ([a, b]) => {
        const refusals = [a.refused, b.refused].toSorted((x, y) => x - y);
        if (refusals.join() !== `${EVENT_REFUSED_FULL},0`) return `refused ${refusals.join()}`;
        if (place.tokens !== 8) return `${place.tokens} tokens are left`;
        return conserved(k, place, [{ refused: 0, accepted: [say(nth(0), NORMAL, 9)] }, a, b], []);
      },
      {
        setup: () => {
          place.setup(k);
          place.put(k, 2, NORMAL, [9]);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ endpoint: LIMITED });
    return place.scenario(
      k,
      'two batches and room for one: the other has its tokens back',
      [() => place.put(k, 0, NORMAL, [1, 2]), () => place.put(k, 1, NORMAL, [3, 4])],
      ([a, b]) =>
        a.accepted.length + b.accepted.length === 2 && place.tokens === 8
          ? conserved(k, place, [a, b], [])
          : `${a.accepted.length} and ${b.accepted.length} events, ${place.tokens} tokens are left`,
    );
  },
  (k) => {
    const place = new Place({
      endpoint: { halfOpenProbes: 2, low: (100 << 24) | (HALF_OPEN << 8), ledger: [0, 0] },
    });
    return place.scenario(
      k,
      'two probes of a half-open endpoint and room for one: the other probe is given back',
      [() => place.put(k, 0, NORMAL, [1]), () => place.put(k, 1, NORMAL, [2])],
      ([a, b]) => {
        const admitted = peek(CELL + cell.offset.ledger) & ledger.field.admitted.mask;
        return a.accepted.length + b.accepted.length === 1 && admitted === 1
          ? undefined
          : `${a.accepted.length} and ${b.accepted.length} events, ${admitted} probes are out`;
      },
      {
        setup: () => {
          place.setup(k);
          // A claim that is never published takes the other slot.
          poke(CELL + cell.offset.word, 100 << 24);
          place.claim(k, 2, NORMAL, 1);
          poke(CELL + cell.offset.word, (100 << 24) | (HALF_OPEN << 8));
        },
      },
    );
  },
  (k) => {
    const place = new Place({ endpoint: LIMITED });
    return place.scenario(
      k,
      'a batch that does not fit leaves no trace',
      [() => place.put(k, 0, NORMAL, [1, 2]), () => place.put(k, 1, NORMAL, [3])],
      ([a, b]) => {
        const taken = 9 - place.tokens;
        const accepted = a.accepted.length + b.accepted.length;
        if (taken !== accepted) return `${taken} tokens for ${accepted} events`;
        return conserved(k, place, [{ refused: 0, accepted: [say(nth(0), NORMAL, 9)] }, a, b], []);
      },
      {
        setup: () => {
          place.setup(k);
          place.put(k, 2, NORMAL, [9]);
        },
      },
    );
  },
  (k) => {
    const place = new Place({ endpoint: { burst: 3, refillPerSecond: 0.001 } });
    return place.scenario(
      k,
      'three tokens and two batches of two: one is refused, whole',
      [() => place.put(k, 0, NORMAL, [1, 2]), () => place.put(k, 1, URGENT, [3, 4])],
      ([a, b]) => {
        const refusals = [a.refused, b.refused].toSorted((x, y) => x - y);
        if (refusals.join() !== `${REFUSED_THROTTLED},0`) return `refused ${refusals.join()}`;
        if (place.tokens !== 1) return `${place.tokens} tokens are left`;
        return undefined;
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a batch whose thread ended half way: what it published comes out, the rest is passed by',
      [
        () => {
          const mine = k.passSeat(place.seat(0), 1, 3) === 1;
          return mine ? k.abandonClaim(BUFFER, place.seat(0)) : 0;
        },
        () => place.put(k, 1, NORMAL, [3]),
        () => [...place.take(k, 2), ...place.take(k, 2)],
      ],
      ([abandoned, put, out]) => {
        if (abandoned !== 1 || peek(BUFFER + eventBufferRoot.offset.abandoned) !== 1)
          return `${abandoned} abandoned`;
        if (leftIn(place, 0, 'claim') !== 0) return 'its claim is open, for whoever has the seat next';
        const half = { refused: 0, accepted: [say(nth(0), NORMAL, 0)] };
        return conserved(k, place, [half, put], out, [nth(1)]);
      },
      {
        setup: () => {
          place.setup(k);
          place.claim(k, 0, NORMAL, 2);
          k.publishEvents(BUFFER, place.seat(0), 1, 4);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    const reclaim = (me: number) => () =>
      k.passSeat(place.seat(0), 1, me) === 1 ? k.abandonClaim(BUFFER, place.seat(0)) : -1;
    return place.scenario(
      k,
      'two threads that reclaim one: exactly one does',
      [reclaim(2), reclaim(3), () => place.take(k, 1)],
      ([a, b, out]) =>
        Math.min(a, b) === -1 && Math.max(a, b) === 1
          ? conserved(k, place, [], out, [nth(0)])
          : `abandoned ${a} and ${b}`,
      {
        setup: () => {
          place.setup(k);
          place.claim(k, 0, URGENT, 1);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    const seat = place.seat(0);
    return place.scenario(
      k,
      'a producer that was taken for dead while it publishes: the event is there or it learns that it is not',
      [() => place.put(k, 0, NORMAL, [1]), () => k.abandonClaim(BUFFER, seat), () => place.take(k, 2)],
      ([put, abandoned, out]) => {
        if (put.refused === EVENT_LOST ? abandoned !== 1 : abandoned !== 0)
          return `published ${put.accepted.join()} and abandoned ${abandoned}`;
        poke(seat + eventSeat.offset.claim, 0);
        return conserved(k, place, [put], out, abandoned === 1 ? [nth(0)] : []);
      },
      // The thread lives, so that its journal is read while it writes: what is read there is only tried by CAS.
      { allowRaces: [{ at: seat, bytes: eventSeat.bytes }] },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a consumer whose thread ended: what it had taken is lost, counted, and its room comes back',
      [
        () => (k.passSeat(place.seat(0), 1, 3) === 1 ? k.dropTaken(BUFFER, place.seat(0)) : -1),
        () => place.put(k, 1, NORMAL, [3]),
        () => place.take(k, 2),
      ],
      ([lost, put, out]) => {
        if (lost !== 2 || peek(BUFFER + eventBufferRoot.offset.lostWithConsumer) !== 2) return `${lost} lost`;
        poke(place.seat(0) + eventSeat.offset.owner, 1);
        const all = [...out, ...place.drain(k)];
        if (all.join() !== put.accepted.join())
          return `accepted ${put.accepted.join()}, came out ${all.join()}`;
        return place.put(k, 0, NORMAL, [4, 5]).accepted.length === 2 ? undefined : 'its room is gone';
      },
      {
        setup: () => {
          place.setup(k);
          place.put(k, 0, NORMAL, [1, 2]);
          k.takeEvents(BUFFER, place.seat(0), 2, 1);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    const seat = place.seat(0);
    return place.scenario(
      k,
      'a consumer that was taken for dead while it has an event learns it',
      [
        () => {
          const first = k.takeEvents(BUFFER, seat, 1, 1);
          if (first === EVENT_NONE) return 'none';
          return k.releaseEvents(BUFFER, seat, 1) === EVENT_LOST ? 'lost' : 'had';
        },
        () => k.dropTaken(BUFFER, seat),
      ],
      ([mine, lost]) =>
        (mine === 'lost') === (lost === 1)
          ? place.put(k, 1, NORMAL, [4, 5]).accepted.length === 2
            ? undefined
            : 'its room is gone'
          : `${mine}, and ${lost} lost`,
      {
        setup: () => {
          place.setup(k);
          place.put(k, 1, NORMAL, [1]);
        },
        allowRaces: [{ at: seat, bytes: eventSeat.bytes }],
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'roles of a living thread whose seat is another’s: they claim and take nothing',
      [
        () => {
          k.passSeat(place.seat(0), 1, 9);
          return [place.put(k, 0, NORMAL, [2]).refused, k.takeEvents(BUFFER, place.seat(0), 1, 1)];
        },
        () => place.take(k, 2),
      ],
      ([refused, out]) =>
        refused.join() === `${EVENT_LOST},${EVENT_LOST}`
          ? conserved(k, place, [{ refused: 0, accepted: [say(nth(0), NORMAL, 1)] }], out)
          : `answered ${refused.join()}`,
      {
        setup: () => {
          place.setup(k);
          place.put(k, 1, NORMAL, [1]);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a consumer that was taken for dead is late: it releases nothing of what was put in since',
      [() => k.releaseEvents(BUFFER, place.seat(0), 1), () => place.put(k, 1, URGENT, [2])],
      ([released, put]) => {
        const first = { refused: 0, accepted: [say(nth(1), NORMAL, 3)] };
        return released === EVENT_LOST
          ? conserved(k, place, [first, put], [], [nth(0)])
          : `released ${released}`;
      },
      {
        setup: () => {
          place.setup(k);
          place.put(k, 1, NORMAL, [1]);
          k.takeEvents(BUFFER, place.seat(0), 1, 1);
          k.dropTaken(BUFFER, place.seat(0));
          // In the slot that an empty journal names, position 0.
          place.put(k, 1, NORMAL, [3]);
        },
      },
    );
  },
  (k) => {
    const place = new Place();
    return place.scenario(
      k,
      'a consumer that ended while it passed an abandoned slot by: no event is lost with it',
      [() => k.dropTaken(BUFFER, place.seat(1)), () => place.put(k, 2, NORMAL, [1])],
      ([lost, put]) =>
        lost === 0 && peek(BUFFER + eventBufferRoot.offset.lostWithConsumer) === 0
          ? conserved(k, place, [put], [], [nth(0)])
          : `${lost} lost`,
      {
        setup: () => {
          place.setup(k);
          const before = peek(BUFFER + eventBufferRoot.offset.head);
          place.claim(k, 0, NORMAL, 1);
          k.abandonClaim(BUFFER, place.seat(0));
          // As takeEvents leaves it before it releases the slot.
          const { normal } = halves(eventBufferRoot.offset.head);
          poke(BUFFER + eventBufferRoot.offset.head, before + 1);
          poke(place.seat(1) + eventSeat.offset.take, (1 << eventJournal.field.left.shift) | normal);
        },
      },
    );
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'a claim does not look at the slots',
    find: 'const room = roomFrom(buffer, position, count, urgent, capacity);',
    replace: 'const room = ROOM;',
  },
  {
    name: 'a batch looks at its first slot only',
    find: 'const room = roomFrom(buffer, position, count, urgent, capacity);',
    replace: 'const room = roomFrom(buffer, position, 1, urgent, capacity);',
  },
  {
    name: 'the id comes from a look of its own at tail',
    find: 'set(seat + EVENT_SEAT_CLAIM_ID_LOW, tailLow);',
    replace:
      'load64(buffer + EVENT_BUFFER_ROOT_TAIL); set(seat + EVENT_SEAT_CLAIM_ID_LOW, (low() - count) | 0);',
  },
  {
    name: 'tail is moved without a CAS',
    find: 'if (\n        compareExchange64(\n          buffer + EVENT_BUFFER_ROOT_TAIL,\n          tailLow,\n          tailHigh,',
    replace:
      'load64(buffer + EVENT_BUFFER_ROOT_TAIL); if (\n        compareExchange64(\n          buffer + EVENT_BUFFER_ROOT_TAIL,\n          low(),\n          high(),',
  },
  {
    name: 'a batch claims one slot at a time',
    find: 'if (room == ROOM) {',
    replace:
      'if (room == ROOM) { if (count == 2) { compareExchange64(buffer + EVENT_BUFFER_ROOT_TAIL, tailLow, tailHigh, advancedLow(tailLow, 1), advancedHigh(tailLow, tailHigh, 1, urgent)); load64(buffer + EVENT_BUFFER_ROOT_TAIL); compareExchange64(buffer + EVENT_BUFFER_ROOT_TAIL, low(), high(), advancedLow(low(), 1), advancedHigh(low(), high(), 1, urgent)); set(seat + EVENT_SEAT_CLAIM_ID_LOW, tailLow); set(seat + EVENT_SEAT_CLAIM_META, tailHigh & EVENT_META_ID_HIGH_MASK); set(seat + EVENT_SEAT_CLAIM, journalOf(position, count, urgent)); return slotOf(position, urgent, capacity); }',
  },
  {
    name: 'an event is published at its claim, before its payload',
    find: 'addTally(seat + EVENT_SEAT_CLAIMS, 1);',
    replace: `store(buffer + ${eventBufferRoot.bytes} + slotOf(position, urgent, capacity) * ${eventHeader.bytes}, (position << 2) | 1);`,
  },
  {
    name: 'the header is written after the publication',
    find: 'set(header + EVENT_HEADER_ID_LOW, idLow);',
    replace:
      'const early = stateAt(buffer, (positionOf(journal) + i) & POSITION_MASK, urgentOf(journal), capacity); const was = load(early); store(early, was | 1); set(header + EVENT_HEADER_ID_LOW, idLow); store(early, was);',
  },
  {
    name: 'a publication does not look whether the claim is its own',
    find: 'if (compareExchange(at, free, stateOf(position, EVENT_READY)) != free) return EVENT_LOST;',
    replace: 'store(at, stateOf(position, EVENT_READY));',
  },
  {
    name: 'a publication does not look whether there is a claim',
    find: 'if (leftOf(journal) < count) return EVENT_LOST;\n  let idLow',
    replace: 'let idLow',
  },
  {
    name: 'ids of a batch do not carry',
    find: 'meta = (meta & ~EVENT_META_ID_HIGH_MASK) | totalHighAfter(idLow, meta, 1);',
    replace: '',
  },
  {
    name: 'urgent events are not looked for',
    find: 'let ready = readyFrom(buffer, position, most, EVENT_URGENT, capacity);',
    replace: 'let ready: i32 = 0;',
  },
  {
    name: 'normal events wait for urgent claims',
    find: 'if (ready == 0) {\n      urgent = 0;',
    replace: `load64(buffer + ${eventBufferRoot.offset.tail}); if (ready == 0 && high() >>> 12 == headHigh >>> 12) {\n      urgent = 0;`,
  },
  {
    name: 'an event is taken without a CAS',
    find: 'if (\n      compareExchange64(\n        buffer + EVENT_BUFFER_ROOT_HEAD,\n        headLow,\n        headHigh,',
    replace:
      'load64(buffer + EVENT_BUFFER_ROOT_HEAD); if (\n      compareExchange64(\n        buffer + EVENT_BUFFER_ROOT_HEAD,\n        low(),\n        high(),',
  },
  {
    name: 'head is read after the slots',
    find: 'if (low() == headLow && high() == headHigh) return EVENT_NONE;\n      continue;',
    replace: 'return EVENT_NONE;',
  },
  {
    name: 'tail is not looked at twice before full',
    find: 'room == NO_ROOM && tailIs(buffer, tailLow, tailHigh) != 0',
    replace: 'room != ROOM',
  },
  {
    name: 'tokens are not given back',
    find: 'if (admission != NOT_ASKED) refundEvents(cell, count, admission);',
    replace: '',
  },
  {
    name: 'one token is given back for a batch',
    find: 'refundEvents(cell, count, admission);',
    replace: 'refundEvents(cell, 1, admission);',
  },
  {
    name: 'a batch pays one token',
    find: 'admission = admitEvents(cell, count, load',
    replace: 'admission = admitEvents(cell, 1, load',
  },
  {
    name: 'the endpoint is asked at each attempt',
    find: 'if (admission == NOT_ASKED) {',
    replace: 'if (admission >= NOT_ASKED) {',
  },
  {
    name: 'a slot is released for its own lap',
    find: 'const next = stateOf((position + capacity) & POSITION_MASK, EVENT_FREE);',
    replace: 'const next = stateOf(position, EVENT_FREE);',
  },
  {
    name: 'a release does not look whether the slot is its own',
    find: 'if (compareExchange(at, ready, next) == ready) events = (events + 1) | 0;\n    else {',
    replace: 'store(at, next); events = (events + 1) | 0; if (count < 0) {',
  },
  {
    name: 'abandoned slots stop the ring',
    find: 'return count == 0 && state == stateOf(position, EVENT_ABANDONED) ? FIRST_ABANDONED : count;',
    replace: 'return count;',
  },
  {
    name: 'abandoned slots come out',
    find: 'if (ready != FIRST_ABANDONED) return',
    replace: 'if (ready != 0) return',
  },
  {
    name: 'reclaiming does not look whether the event was published',
    find: 'if (compareExchange(at, free, stateOf(position, EVENT_ABANDONED)) == free) {',
    replace: 'store(at, stateOf(position, EVENT_ABANDONED)); {',
  },
  {
    name: 'the journal does not follow a batch',
    find: 'journal = withoutFirst(journal);\n    set(seat + EVENT_SEAT_CLAIM, journal);',
    replace: 'journal = withoutFirst(journal);',
  },
  {
    name: 'a seat is passed on without a CAS',
    find: 'return compareExchange(seat + EVENT_SEAT_OWNER, from, to) == from ? 1 : 0;',
    replace:
      'if (load(seat + EVENT_SEAT_OWNER) != from) return 0; store(seat + EVENT_SEAT_OWNER, to); return 1;',
  },
  {
    name: 'a claim does not look whose seat it is',
    find: 'if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST;\n  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);\n  const cell',
    replace: 'const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);\n  const cell',
  },
  {
    name: 'a take does not look whose seat it is',
    find: 'if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST; // as in claimEvents',
    replace: '',
  },
  {
    name: 'a release does not look whether anything is taken',
    find: 'if (leftOf(journal) < count) return EVENT_LOST; // as in publishEvents',
    replace: '',
  },
  {
    name: 'an abandoned slot counts as an event',
    find: 'else {\n      const abandoned = stateOf(position, EVENT_ABANDONED);',
    replace: 'else {\n      events = (events + 1) | 0; const abandoned = stateOf(position, EVENT_ABANDONED);',
  },
  {
    name: 'abandoned events are not counted',
    find: 'add(buffer + EVENT_BUFFER_ROOT_ABANDONED, 1);',
    replace: '',
  },
  {
    name: 'a claim that was abandoned stays in the journal',
    find: 'set(seat + EVENT_SEAT_CLAIM, withoutFirst(journal));',
    replace: '',
  },
  {
    name: 'lost events keep their slots',
    find: 'const events = releaseEvents(buffer, seat, 1);',
    replace: 'const events = 1; set(seat + EVENT_SEAT_TAKE, withoutFirst(get(seat + EVENT_SEAT_TAKE)));',
  },
];

test(
  'every interleaving keeps each event once and whole, and every mutant is caught',
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
