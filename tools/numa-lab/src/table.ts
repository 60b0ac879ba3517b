/** Results as a table for people. */
import type { Machine } from './machine.ts';
import type { SessionOutcome } from './session.ts';

export interface MachineReport {
  readonly machine: Pick<Machine, 'name' | 'title' | 'architecture'>;
  readonly outcome: SessionOutcome;
}

const HEADINGS = ['test', 'asked', 'read back', 'verdict'] as const;
/** Characters of what was read back, in the table. */
const MAX_PASSED = 240;
/** Widths that a column is wrapped at. */
const MAX_COLUMN = [34, 44, 62, 8];

/** A machine's head line, its table, and its problem where it had one. */
export function machineTable({ machine, outcome }: MachineReport): string {
  const { hello, results, problem } = outcome;
  const rows = results.map(({ suite, test, asked, readBack, verdict }) => [
    `${suite}: ${test}`,
    asked,
    verdict === 'passed' ? shortened(readBack) : readBack,
    verdict === 'passed' ? 'passed' : 'FAILED',
  ]);
  const about =
    hello === null
      ? 'said nothing'
      : `Linux ${hello.kernel}, Node ${hello.node}, addon ${hello.addon}, ${seconds(outcome.bootMs ?? 0)} to the first test, ${seconds(outcome.durationMs)} in all`;
  return [
    `${machine.name} (${machine.architecture}): ${machine.title}\n${about}`,
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...(problem === null ? [] : [`${machine.name}: ${problem.message}`]),
  ].join('\n');
}

/** The last line. */
export function summary(reports: readonly MachineReport[]): string {
  const results = reports.flatMap(({ outcome }) => outcome.results);
  const failed = results.filter(({ verdict }) => verdict === 'failed').length;
  const broken = reports.filter(({ outcome }) => outcome.problem !== null).length;
  return [
    `${results.length - failed} of ${results.length} tests passed on ${count(reports.length, 'machine')}`,
    ...(broken === 0 ? [] : [`${count(broken, 'machine')} did not come to the end`]),
  ].join('; ');
}

/** Everything passed, and every machine came to its end. No tests at all prove nothing. */
export function allPassed(reports: readonly MachineReport[]): boolean {
  const results = reports.flatMap(({ outcome }) => outcome.results);
  return (
    results.length > 0 &&
    results.every(({ verdict }) => verdict === 'passed') &&
    reports.every(({ outcome }) => outcome.problem === null)
  );
}

/** A test that passed has no need of all its words: `--json` has them. */
function shortened(text: string): string {
  return text.length <= MAX_PASSED ? text : `${text.slice(0, MAX_PASSED)}…`;
}

function table(rows: readonly (readonly string[])[]): string {
  const wrapped = [HEADINGS, ...rows].map((row) =>
    row.map((cell, column) => wrap(cell, MAX_COLUMN[column] ?? 40)),
  );
  const widths = HEADINGS.map((_, column) =>
    Math.max(...wrapped.flatMap((row) => (row[column] ?? []).map((line) => line.length))),
  );
  const rule = `├${widths.map((width) => '─'.repeat(width + 2)).join('┼')}┤`;
  const lines = wrapped.flatMap((row, index) => {
    const height = Math.max(...row.map((cell) => cell.length));
    const text = Array.from(
      { length: height },
      (_, line) =>
        `│ ${widths.map((width, column) => (row[column]?.[line] ?? '').padEnd(width)).join(' │ ')} │`,
    );
    return index === 1 ? [rule, ...text] : text;
  });
  return [
    rule.replace('├', '┌').replaceAll('┼', '┬').replace('┤', '┐'),
    ...lines,
    rule.replace('├', '└').replaceAll('┼', '┴').replace('┤', '┘'),
  ].join('\n');
}

/** Cut at spaces where that keeps a line within `width`, else within the word. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
