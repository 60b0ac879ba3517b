// From one fibre to another on the same thread, under each policy, and what JavaScript has in place of it.
import { FibreScheduler, pause, type FibrePolicy } from '@corelane/scheduler/fibres';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, NS_PER_OP, type Role } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';
import { awaitInTurn, immediatesInTurn, resumeInTurn, TAKING_TURNS } from './by-hand.ts';

const MOST_NS = 60;
/** Of each fibre in a batch at least: that it was begun is spread over so many. */
const SWITCHES_EACH = 500;
const OURS = 'fibres in turn';

interface Fibres {
  readonly scheduler: FibreScheduler;
  switches: number;
}

interface FibreCase {
  readonly name: string;
  readonly fibres: number;
  readonly policy?: FibrePolicy;
  /** 0: each point at which one may make way is a switch. */
  readonly sliceMs?: number;
  readonly note: string;
  /** `yield` in place of `yield* pause`. */
  readonly yields?: boolean;
}

function ours({
  name,
  fibres,
  policy = 'roundRobin',
  sliceMs = 0,
  note,
  yields = false,
}: FibreCase): BatchCase {
  return counted<Fibres>({
    name,
    role: 'ours',
    note,
    opsPerBatch: SWITCHES_EACH * fibres,
    create: () => ({ scheduler: new FibreScheduler({ policy, sliceMs }), switches: 0 }),
    async run(state, operations) {
      let left = operations;
      function* pausing(): Generator<undefined, void, never> {
        while (left > 0) {
          left--;
          state.switches++;
          yield* pause;
        }
      }
      function* yielding(): Generator<undefined, void, never> {
        while (left > 0) {
          left--;
          state.switches++;
          yield;
        }
      }
      const fibre = yields ? yielding : pausing;
      await Promise.all(Array.from({ length: fibres }, () => state.scheduler.spawn(fibre).join()));
    },
    count: ({ switches }) => switches,
  });
}

function byHand(
  name: string,
  role: Role,
  note: string,
  run: (operations: number) => number | Promise<number>,
): BatchCase {
  return counted<{ switches: number }>({
    name,
    role,
    note,
    create: () => ({ switches: 0 }),
    async run(state, operations) {
      state.switches += await run(operations);
    },
    count: ({ switches }) => switches,
  });
}

export const switches: BatchGroup = {
  kind: 'batch',
  name: 'switch',
  title: 'A switch from one fibre to another, on one thread',
  note: 'One operation is one fibre resumed until its next yield. The event loop has its turns meanwhile.',
  cases: [
    ours({
      name: OURS,
      fibres: TAKING_TURNS,
      note: 'two of them, yield* pause, sliceMs 0: each is a switch',
    }),
    ours({
      name: 'fibres in turn, yield',
      fibres: TAKING_TURNS,
      yields: true,
      note: 'the engine allocates an object for each yield',
    }),
    ours({
      name: '1000 fibres in turn',
      fibres: 1000,
      note: 'what a switch touches is not in the first cache',
    }),
    ours({
      name: 'fibres in turn, priority',
      fibres: TAKING_TURNS,
      policy: 'priority',
      note: 'two of one level',
    }),
    ours({
      name: 'fibres in turn, deadline',
      fibres: TAKING_TURNS,
      policy: 'deadline',
      note: 'two without one',
    }),
    ours({
      name: 'a pause within the slice',
      fibres: 1,
      sliceMs: 10,
      note: 'nobody else could go on: no switch',
    }),
    byHand(
      'generators by hand',
      'limit',
      'two of them, next() in turn: nothing decides whose turn it is',
      resumeInTurn,
    ),
    byHand(
      'await in turn',
      'peer',
      'two async functions and a settled promise: timers and I/O never have a turn',
      awaitInTurn,
    ),
    byHand(
      'setImmediate in turn',
      'peer',
      'two async functions: timers and I/O have a turn each time',
      immediatesInTurn,
    ),
    empty,
  ],
  claims: [
    { of: OURS, metric: NS_PER_OP, atMost: MOST_NS },
    { of: OURS, metric: BYTES_PER_OP, atMost: 0 },
  ],
  publication: {
    source: 'Targets of preemptive-threads, which reports no measurement',
    figures: [{ what: 'context switch, less than', unit: 'ns', published: '500', of: OURS }],
  },
};
