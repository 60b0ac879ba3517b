// What the client sent compressed, against what the guards of the check threads found, against what the state words were told.
import { isBomb, OUTCOMES } from '@corelane/atomic-state';
import type { GuardFormatFigures } from '../gateway/guard-book.ts';
import { BOMB_KINDS, type Kind } from '../load/kinds.ts';
import { atMost, equal, type Equation } from './equation.ts';
import type { Ledger } from './ledger.ts';

/** Whoever is refused before his body was looked at gets 503. */
const looked = ({ client }: Ledger, kind: Kind): number => client.byKind[kind] - client.overloaded[kind];

export function guardEquationsOf(ledger: Ledger): Equation[] {
  const { client, gateway, guard, words } = ledger;
  const { verdicts, abandoned } = gateway.checks;
  const all = Object.values(guard);
  const inspections = sum(all.map((figures) => sum(Object.values(figures.outcomes))));
  const bombs = sum(all.map(bombsOf));
  const passed = outcome(all, 'passed');
  const found = (name: string, [what, count]: [string, number], guards: [string, number]): Equation =>
    abandoned === 0
      ? equal(name, [what, count], guards)
      : // A check that was given up may have been made and counted all the same.
        atMost(name, [`${what} ∓ ${guards[0]}`, Math.abs(count - guards[1])], ['checks given up', abandoned]);
  return [
    ...Object.entries(BOMB_KINDS).map(([format, kind]) =>
      found(
        `every ${kind} is found`,
        ['client: sent − 503', looked(ledger, kind)],
        [`guard: ${format} refused as bombs`, bombsOf(guard[format])],
      ),
    ),
    found('nothing else is', ['client: 413 bomb', client.answers.bomb], ['guard: refused as bombs', bombs]),
    found(
      'every broken stream is found',
      ['client: sent − 503', looked(ledger, 'broken stream')],
      ['guard: corrupt', outcome(all, 'corrupt')],
    ),
    found(
      'every wrong declaration is found',
      ['client: sent − 503', looked(ledger, 'misdeclared')],
      ['guard: mismatched encoding', outcome(all, 'mismatched encoding')],
    ),
    atMost(
      'what is sent compressed passes',
      ['client: sent − 503', looked(ledger, 'compressed webhook')],
      ['guard: passed', passed + abandoned],
    ),
    atMost(
      '…and nothing else',
      ['guard: passed', passed],
      ['client: sent', client.byKind['compressed webhook']],
    ),
    found(
      'every body is looked at once',
      ['gateway: verdicts', verdicts],
      ['guard: bodies looked at', inspections],
    ),
    found('bombs in the words', ['state words', words.bombsRefused], ['guard: refused as bombs', bombs]),
    found(
      'compression in the words',
      ['state words', words.compressionDetected],
      ['guard: passed + bombs', passed + bombs],
    ),
  ];
}

export function bombsOf(figures: GuardFormatFigures | undefined): number {
  if (figures === undefined) return 0;
  return sum(OUTCOMES.filter((each) => isBomb(each)).map((each) => figures.outcomes[each]));
}

function outcome(all: readonly GuardFormatFigures[], name: (typeof OUTCOMES)[number]): number {
  return sum(all.map((figures) => figures.outcomes[name]));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
