// What a poll costs with hooks around it, and where none are set.
import { EventEmitter } from 'node:events';
import { channel } from 'node:diagnostics_channel';
import { HookSlot, type PolledTask, type TaskHooks } from '@corelane/scheduler/budgets';
import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted } from '../counters/counted.ts';
import { REFERENCE } from './reference.ts';

const CHECK = 'hooks, none set';
const CALLED = 'hooks before and after, which count';
const EMPTY = 'empty poll';
const MOST_CHECK_NS = 1;

const EVENT = 'poll';
const TOOK_NS = 1000;

const task: PolledTask = { name: 'bench', worker: -1, tier: 0 };

/** Polls so far: what a poll does here. Of one shape in all cases. */
class Polls {
  polls = 0;
}

interface Hooked {
  readonly counter: Polls;
  readonly slot: HookSlot;
  /** Written between polls: for all that the engine knows it may be `slot`, so it has to look there each time. */
  readonly other: HookSlot;
  /** What hooks have counted. */
  readonly seen: { before: number; after: number };
}

function hooked(hooks?: (seen: Hooked['seen']) => TaskHooks): Hooked {
  const seen = { before: 0, after: 0 };
  const slot = new HookSlot();
  slot.set(hooks?.(seen));
  return { counter: new Polls(), slot, other: new HookSlot(), seen };
}

export const hooks: BatchGroup = {
  kind: 'batch',
  name: 'hooks',
  title: 'Hooks around one poll',
  note: 'The poll is an addition. Before each another slot of hooks is written, so that the engine looks at this one each time. Both are in the empty loop, too.',
  cases: [
    counted({
      name: CHECK,
      role: 'ours',
      create: () => hooked(),
      run(state, operations) {
        const { counter, slot, other } = state;
        for (let i = 0; i < operations; i++) {
          other.current = undefined;
          const found = slot.current;
          if (found !== undefined) found.beforePoll(task);
          counter.polls++;
          if (found !== undefined) found.afterPoll('pending', TOOK_NS, task);
        }
      },
      count: ({ counter: { polls } }) => polls,
    }),
    counted({
      name: CALLED,
      role: 'ours',
      create: () =>
        hooked((seen) => ({ beforePoll: () => void seen.before++, afterPoll: () => void seen.after++ })),
      run(state, operations) {
        const { counter, slot, other } = state;
        for (let i = 0; i < operations; i++) {
          other.current = undefined;
          const found = slot.current;
          if (found !== undefined) found.beforePoll(task);
          counter.polls++;
          if (found !== undefined) found.afterPoll('pending', TOOK_NS, task);
        }
      },
      count: ({ counter: { polls }, seen }) =>
        seen.before === polls && seen.after === polls ? polls : Number.NaN,
    }),
    counted({
      name: 'channel.hasSubscribers',
      role: 'peer',
      note: 'diagnostics_channel, nobody subscribed: asked before the poll and after it',
      create: () => ({
        counter: new Polls(),
        before: channel('bench:before'),
        after: channel('bench:after'),
      }),
      run(state, operations) {
        const { counter, before, after } = state;
        for (let i = 0; i < operations; i++) {
          if (before.hasSubscribers) before.publish(task);
          counter.polls++;
          if (after.hasSubscribers) after.publish(task);
        }
      },
      count: ({ counter: { polls } }) => polls,
    }),
    counted({
      name: 'emitter.emit(), two listeners',
      role: 'peer',
      against: CALLED,
      note: 'one before the poll, one after it, which count',
      create() {
        const seen = { before: 0, after: 0 };
        const before = new EventEmitter().on(EVENT, () => void seen.before++);
        const after = new EventEmitter().on(EVENT, () => void seen.after++);
        return { counter: new Polls(), before, after, seen };
      },
      run(state, operations) {
        const { counter, before, after } = state;
        for (let i = 0; i < operations; i++) {
          before.emit(EVENT, task);
          counter.polls++;
          after.emit(EVENT, 'pending', TOOK_NS, task);
        }
      },
      count: ({ counter: { polls }, seen }) =>
        seen.before === polls && seen.after === polls ? polls : Number.NaN,
    }),
    counted({
      name: EMPTY,
      role: 'empty',
      create: () => hooked(),
      run({ counter, other }, operations) {
        for (let i = 0; i < operations; i++) {
          other.current = undefined;
          counter.polls++;
        }
      },
      count: ({ counter: { polls } }) => polls,
    }),
  ],
  claims: [
    { of: CHECK, metric: NS_PER_OP, atMost: MOST_CHECK_NS },
    { of: CALLED, metric: BYTES_PER_OP, atMost: 0 },
  ],
  publication: {
    source: REFERENCE,
    figures: [
      { what: 'presence of hooks', unit: 'ns', published: '0.37', of: CHECK },
      { what: 'poll cycle with hooks', unit: 'ns', published: '2.04', of: CALLED },
    ],
  },
};
