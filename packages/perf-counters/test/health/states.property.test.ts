// The machines of states against plain references, which look at the whole history each time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOSED, observe, stepEpisode, type Observation, type Rule } from '../../src/health/episode.ts';
import { isReady, nextHealth, type HealthState, type Standpoint } from '../../src/health/health-state.ts';
import type { Measurement } from '../../src/health/measurement.ts';
import { standingOf, stepCheck, UNMEASURED, type Rules, type Standing } from '../../src/health/standing.ts';

const observation = fc.constantFrom<Observation>('breach', 'band', 'clear', 'unknown');
const counts = fc.record({
  after: fc.integer({ min: 1, max: 4 }),
  recoverAfter: fc.integer({ min: 1, max: 4 }),
});
const ruleOf = ({ after, recoverAfter }: { after: number; recoverAfter: number }): Rule => ({
  at: 10,
  recoverAt: 8,
  after,
  recoverAfter,
});

/** Open after each observation, worked out from the first one on every time. */
function referenceOpen(history: readonly Observation[], { after, recoverAfter }: Rule): boolean[] {
  const known = (upTo: number): Observation[] => history.slice(0, upTo).filter((each) => each !== 'unknown');
  const open: boolean[] = [];
  let changedAt = 0;
  history.forEach((each, i) => {
    const was = open.at(-1) ?? false;
    const since = known(i + 1).slice(changedAt);
    const wanted = was ? recoverAfter : after;
    const last = since.slice(-wanted);
    const changes =
      each !== 'unknown' && last.length === wanted && last.every((one) => one === (was ? 'clear' : 'breach'));
    if (changes) changedAt = known(i + 1).length;
    open.push(changes ? !was : was);
  });
  return open;
}

describe('episodes', () => {
  test('begin after so many breaches in a row and end after so many clears, as in the reference', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 40 }), counts, (history, each) => {
        const rule = ruleOf(each);
        let episode = CLOSED;
        const open = history.map((one) => {
          episode = stepEpisode(episode, one, rule).next;
          return episode.isOpen;
        });
        expect(open).toEqual(referenceOpen(history, rule));
      }),
    );
  });

  test('tell one beginning and one end each, in turns', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 60 }), counts, (history, each) => {
        let episode = CLOSED;
        const outcomes = history.flatMap((one) => {
          const step = stepEpisode(episode, one, ruleOf(each));
          episode = step.next;
          return step.outcome === 'none' ? [] : [step.outcome];
        });
        outcomes.forEach((outcome, i) => expect(outcome).toBe(i % 2 === 0 ? 'began' : 'ended'));
        expect(episode.isOpen).toBe(outcomes.length % 2 === 1);
      }),
    );
  });

  test('a value that moves within the band changes nothing, whichever direction is bad', () => {
    const value = fc.double({ min: 8, max: 10, noNaN: true, minExcluded: true });
    fc.assert(
      fc.property(fc.array(value), fc.boolean(), (values, isOpen) => {
        for (const direction of ['above', 'below'] as const) {
          const rule = {
            ...ruleOf({ after: 1, recoverAfter: 1 }),
            ...(direction === 'below' && { at: 8, recoverAt: 10 }),
          };
          let episode = { isOpen, streak: 0 };
          for (const each of values) {
            if (each === rule.recoverAt) continue;
            episode = stepEpisode(episode, observe(each, rule, direction), rule).next;
          }
          expect(episode.isOpen).toBe(isOpen);
        }
      }),
    );
  });

  test('at the threshold is not beyond it, at the recovery is within it', () => {
    const rule = ruleOf({ after: 1, recoverAfter: 1 });
    expect([10.1, 10, 8.1, 8].map((value) => observe(value, rule, 'above'))).toEqual([
      'breach',
      'band',
      'band',
      'clear',
    ]);
    const low = { ...rule, at: 8, recoverAt: 10 };
    expect([7.9, 8, 9.9, 10].map((value) => observe(value, low, 'below'))).toEqual([
      'breach',
      'band',
      'band',
      'clear',
    ]);
  });
});

const measurement: fc.Arbitrary<Measurement> = fc.oneof(
  fc.integer({ min: 0, max: 30 }).map((value) => ({ kind: 'value' as const, value, detail: null })),
  fc.constantFrom<Measurement>(
    { kind: 'unknown', detail: '' },
    { kind: 'idle', detail: '' },
    { kind: 'pending', detail: '' },
    { kind: 'failed', detail: '', error: null },
  ),
);

const rules: fc.Arbitrary<Rules> = fc.record({
  warn: counts.map(ruleOf),
  critical: fc.option(counts.map((each) => ({ ...ruleOf(each), at: 20, recoverAt: 16 }))),
  direction: fc.constant('above' as const),
  unknownAfter: fc.integer({ min: 1, max: 4 }),
});

function referenceStanding(
  history: readonly Measurement[],
  { warn, critical, unknownAfter }: Rules,
): Standing {
  const told = history.filter(({ kind }) => kind !== 'pending');
  const seen = (rule: Rule): Observation[] =>
    told.map((each) =>
      each.kind === 'value'
        ? observe(each.value, rule, 'above')
        : each.kind === 'failed'
          ? 'breach'
          : each.kind === 'idle'
            ? 'clear'
            : 'unknown',
    );
  const isOpen = (rule: Rule | null): boolean =>
    rule !== null && (referenceOpen(seen(rule), rule).at(-1) ?? false);
  if (isOpen(critical)) return 'critical';
  if (isOpen(warn)) return 'warning';
  const kinds = told.map(({ kind }) => kind);
  const unknowns = kinds.length - 1 - kinds.findLastIndex((kind) => kind !== 'unknown');
  const isSettled = told.some(
    (each, i) =>
      each.kind === 'idle' ||
      (each.kind === 'value' && each.value <= 10) ||
      [warn, critical].some((rule) => rule !== null && referenceOpen(seen(rule), rule)[i] === true),
  );
  if (unknowns >= unknownAfter || (unknowns > 0 && !isSettled)) return 'unknown';
  if (!isSettled) return 'unsettled';
  return kinds.findLast((kind) => kind !== 'unknown') === 'idle' && unknowns === 0 ? 'idle' : 'ok';
}

test('where a check stands is what the reference makes of all its measurements', () => {
  fc.assert(
    fc.property(fc.array(measurement, { maxLength: 30 }), rules, (history, each) => {
      let state = UNMEASURED;
      for (const one of history) state = stepCheck(state, one, each).next;
      expect(standingOf(state, each)).toBe(referenceStanding(history, each));
    }),
    { numRuns: 400 },
  );
});

const standpoint: fc.Arbitrary<Standpoint> = fc.record({
  standing: fc.constantFrom<Standing>('unsettled', 'ok', 'idle', 'unknown', 'warning', 'critical'),
  unknown: fc.constantFrom('degraded' as const, 'unready' as const, 'ignore' as const),
});
const state = fc.constantFrom<HealthState>('starting', 'ready', 'degraded', 'unready', 'stopping');
const checks = fc.array(standpoint, { minLength: 1, maxLength: 5 });

describe('the state of the whole', () => {
  test('stopping is for ever, and starting never comes back', () => {
    fc.assert(
      fc.property(state, fc.array(fc.oneof(checks, fc.constant('drain' as const))), (first, inputs) => {
        const states = [first];
        for (const input of inputs) states.push(nextHealth(states.at(-1) ?? first, input));
        const stopped = states.indexOf('stopping');
        if (stopped >= 0) expect(new Set(states.slice(stopped))).toEqual(new Set(['stopping']));
        const left = states.findIndex((each) => each !== 'starting');
        if (left >= 0) expect(states.slice(left)).not.toContain('starting');
      }),
    );
  });

  test('no check that gets worse makes the whole better', () => {
    const order: readonly HealthState[] = ['ready', 'degraded', 'unready'];
    const standings: readonly Standing[] = ['ok', 'warning', 'critical'];
    fc.assert(
      fc.property(checks, fc.nat(), fc.constantFrom(0, 1), (all, which, from) => {
        const at = which % all.length;
        const withStanding = (i: number): HealthState =>
          nextHealth(
            'ready',
            all.map((each, j) => (j === at ? { ...each, standing: standings[i] as Standing } : each)),
          );
        expect(order.indexOf(withStanding(from + 1))).toBeGreaterThanOrEqual(
          order.indexOf(withStanding(from)),
        );
      }),
    );
  });

  test('ready means that every check is known and well, but those that are ignored while unknown', () => {
    fc.assert(
      fc.property(checks, (all) => {
        const isWell = all.every(
          ({ standing, unknown }) =>
            standing === 'ok' || standing === 'idle' || (standing === 'unknown' && unknown === 'ignore'),
        );
        expect(nextHealth('degraded', all) === 'ready').toBe(isWell);
      }),
    );
  });

  test('where every check is blind nothing speaks for health: it is unready', () => {
    const blind: Standpoint = { standing: 'unknown', unknown: 'degraded' };
    expect(nextHealth('starting', [blind, blind])).toBe('unready');
    expect(nextHealth('starting', [blind, { standing: 'ok', unknown: 'degraded' }])).toBe('degraded');
    expect(
      nextHealth('starting', [
        { standing: 'unknown', unknown: 'unready' },
        { standing: 'ok', unknown: 'degraded' },
      ]),
    ).toBe('unready');
    expect(isReady('degraded')).toBe(true);
    expect((['starting', 'unready', 'stopping'] as const).map(isReady)).toEqual([false, false, false]);
  });
});
