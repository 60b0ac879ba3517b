// When the watchdog says that a poll is slow, or does not end: whatever a worker does and whenever it is looked at.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_RUNNING, slotHead, slotState, workerEntry } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { type Finding, PollSampler } from '../src/watchdog/poll-sampler.ts';
import { PollWord } from '../src/watchdog/poll-word.ts';
import { echoTurns } from '../src/watchdog/turn-echo.ts';

const SLOW_MS = 40;
const KILL_MS = 90;
const WORKER = 1;
const { echo, ping } = workerEntry.word;

function newTable(): SchedulerTable {
  const plan = tableOptions({ threads: 2, slots: 4 });
  return SchedulerTable.create(Arena.create({ bytes: bytesFor(plan) }), plan);
}

interface Doing {
  readonly do: 'begin' | 'end' | 'restart' | 'answer' | 'block' | 'turn';
}
type Step = Doing | { readonly do: 'look'; readonly afterMs: number };

const steps = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'begin' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'end' }, { do: 'restart' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'answer' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'block' }, { do: 'turn' }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('look' as const),
        afterMs: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 300 })),
      }),
    },
  ),
  { maxLength: 80 },
);

const look = (afterMs: number): Step => ({ do: 'look', afterMs });
/** Its first poll has the number that the first one of the thread before had. */
const ANOTHER_THREAD: Step[] = [
  { do: 'begin' },
  look(0),
  { do: 'restart' },
  { do: 'begin' },
  look(50),
  look(50),
];

/**
 * The same from the whole history: what keeps a worker counts from the look that has found it first. That is a poll, or between polls, where it does not block, that its event loop
 * does not answer.
 */
function expected(history: readonly Step[]): Finding[] {
  let nowMs = 0;
  let isPoll = false;
  let isBlocked = false;
  let stretch = 0;
  const firstSeenMs = new Map<number, number>();
  const said = new Map<number, Finding[]>();
  return history.flatMap((step): Finding[] => {
    if (!('afterMs' in step)) {
      const was = isPoll;
      if (step.do === 'begin') isPoll = true;
      else if (step.do === 'end' || step.do === 'restart') isPoll = false;
      else if (step.do !== 'answer') isBlocked = step.do === 'block';
      if (step.do === 'restart') isBlocked = false;
      if (step.do === 'begin' || step.do === 'restart' || was !== isPoll || (step.do === 'answer' && !isPoll))
        stretch++;
      return [];
    }
    nowMs += step.afterMs;
    if (!isPoll && isBlocked) {
      stretch++;
      return ['nothing'];
    }
    if (!firstSeenMs.has(stretch)) firstSeenMs.set(stretch, nowMs);
    const lastedMs = nowMs - (firstSeenMs.get(stretch) as number);
    const before = said.get(stretch) ?? [];
    const next: Finding | undefined = (['slow', 'stuck'] as const)[before.length];
    if (next === undefined || lastedMs < (next === 'slow' ? SLOW_MS : KILL_MS)) return ['nothing'];
    said.set(stretch, [...before, next]);
    return [next];
  });
}

describe('looks at a worker', () => {
  test('find each poll, and each event loop that does not answer, that outlasts its limits: at the first look after that, once, and no other', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const table = newTable();
        const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
        let word = new PollWord(table, WORKER + 1);
        word.open();
        let nowMs = 0;
        let thread = 1;
        const entry = table.workerWord(WORKER + 1);
        const found: Finding[] = [];
        for (const step of history) {
          if (step.do === 'begin') word.begin(2);
          else if (step.do === 'end') word.end();
          else if (step.do === 'block') word.block();
          else if (step.do === 'turn') word.turn();
          else if (step.do === 'answer')
            Atomics.store(table.i32, entry + echo, Atomics.load(table.i32, entry + ping));
          else if (!('afterMs' in step)) {
            Atomics.store(table.i32, entry + workerEntry.word.poll, 0);
            word = new PollWord(table, WORKER + 1);
            word.open();
            // Of another thread, whether or not it was looked at between the two.
            Atomics.store(table.i32, entry + workerEntry.word.thread, ++thread);
          } else found.push(sampler.look(WORKER, (nowMs += step.afterMs)));
        }
        expect(found).toEqual(expected(history));
      }),
      { examples: [[ANOTHER_THREAD]] },
    );
  });

  test('that come every 5 ms find what is slow at the 9th look at the latest, and what does not end at the 19th', () => {
    const table = newTable();
    const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
    const word = new PollWord(table, WORKER + 1);
    word.open();
    word.begin(2);
    const found = Array.from({ length: 40 }, (_, n) => sampler.look(WORKER, n * 5));
    expect(found.indexOf('slow')).toBe(SLOW_MS / 5);
    expect(found.indexOf('stuck')).toBe(KILL_MS / 5);
    expect(found.filter((each) => each !== 'nothing')).toHaveLength(2);
  });

  test('say nothing of an event loop that answers, that imports, or of a thread that blocks because there is nothing to do', () => {
    const table = newTable();
    const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
    const word = new PollWord(table, WORKER + 1);
    word.open();
    echoTurns(table, WORKER + 1);
    word.block();
    for (let nowMs = 0; nowMs < 1000; nowMs += 10) expect(sampler.look(WORKER, nowMs)).toBe('nothing');
    word.beginImport();
    word.turn();
    for (let nowMs = 1000; nowMs < 2000; nowMs += 10) expect(sampler.look(WORKER, nowMs)).toBe('nothing');
    word.endImport();
    sampler.look(WORKER, 2000);
    expect(sampler.look(WORKER, 2000 + SLOW_MS)).toBe('slow'); // this event loop had no turn
  });

  test('are answered by an event loop that turns', async () => {
    const table = newTable();
    const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
    new PollWord(table, WORKER + 1).open();
    echoTurns(table, WORKER + 1);
    for (let nowMs = 0; nowMs < 1000; nowMs += SLOW_MS) {
      expect(sampler.look(WORKER, nowMs)).toBe('nothing');
      await expect
        .poll(() => {
          const entry = table.workerWord(WORKER + 1);
          return Atomics.load(table.i32, entry + echo) === Atomics.load(table.i32, entry + ping);
        })
        .toBe(true);
    }
  });

  test('say nothing of a worker that has not said that it takes tasks', () => {
    const table = newTable();
    const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
    new PollWord(table, WORKER + 1).begin(2);
    for (let nowMs = 0; nowMs < 1000; nowMs += 10) expect(sampler.look(WORKER, nowMs)).toBe('nothing');
  });

  test.each([
    ['of another worker', WORKER, 2],
    ['that nobody runs', 0, 2],
    ['that there is not', WORKER + 1, 4],
    ['below the first', WORKER + 1, -7],
  ])('name no task where the word says a slot %s', (_, party, slot) => {
    const table = newTable();
    const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
    const word = new PollWord(table, WORKER + 1);
    word.open();
    word.begin(slot);
    table.i32[table.slotWord(2) + slotHead.word.state] =
      (SLOT_RUNNING << slotState.field.state.shift) | (party << slotState.field.worker.shift);
    sampler.look(WORKER, 0);
    expect(sampler.look(WORKER, SLOW_MS)).toBe('slow');
    expect(sampler.pollOf(WORKER)).toBeUndefined();
  });
});

test('the word of polls is odd within one, whatever is begun and ended, and no two follow each other with one number', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 50 }), (begins) => {
      const table = newTable();
      const word = new PollWord(table, 1);
      const at = table.workerWord(1) + workerEntry.word.poll;
      let last = 0;
      for (const begin of begins) {
        if (begin) word.begin(1);
        else word.end();
        const count = table.i32[at] as number;
        expect(count & 1).toBe(begin ? 1 : 0);
        if (begin) expect(count).toBeGreaterThan(last);
        last = count;
      }
    }),
  );
});
