// A screenful of figures as lines of text: pure, so that frames can be compared letter by letter.
import { figure, uptime } from './figures.ts';
import { rowGroups, visibleRows, type Row } from './rows.ts';
import { cutTo, fitted, harmless } from './text-width.ts';
import type { View } from './view.ts';
import { vitalSigns } from './vital-signs.ts';

export interface Size {
  readonly columns: number;
  /** Infinity: as many as there are. */
  readonly rows: number;
}

export interface Line {
  readonly text: string;
  readonly look: 'plain' | 'strong' | 'faint' | 'heading';
}

export interface Frame {
  readonly lines: readonly Line[];
  /** Rows of figures that fit. */
  readonly pageRows: number;
  /** Rows of figures that there are. */
  readonly allRows: number;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly text: (row: Row) => string;
}

const NAME_MIN = 20;
/** In the order in which they are given up where the screen is narrow: the last one first. */
const COLUMNS: readonly Column[] = [
  {
    title: 'VALUE',
    width: 10,
    text: (row) => figure(row.value, row.isDistribution ? 'plain' : row.quantity),
  },
  { title: '/S', width: 9, text: (row) => figure(row.rate, row.isDistribution ? 'plain' : row.quantity) },
  { title: 'P99', width: 8, text: (row) => figure(row.p99, row.quantity) },
  { title: 'MAX', width: 8, text: (row) => figure(row.max, row.quantity) },
  { title: 'P50', width: 8, text: (row) => figure(row.p50, row.quantity) },
];
/** In the order in which they are shown. */
const ORDER = ['VALUE', '/S', 'P50', 'P99', 'MAX'];
const HELP = 'q quit  s sort  / filter  w writers  r recent  p pause  ↑↓ scroll';

/** @param isInteractive with the line of keys at the bottom */
export function render(view: View, size: Size, isInteractive: boolean): Frame {
  const { current, previous } = view;
  const groups = current === undefined ? [] : rowGroups(previous, current, view.isRecent);
  const rows = visibleRows(groups, view);
  const columns = chosenColumns(size.columns);
  const head: Line[] = [
    { text: title(view), look: 'strong' },
    { text: summary(view, groups.length, rows.length), look: 'plain' },
    {
      text: tableLine(
        'NAME',
        columns,
        ({ title: text }) => (view.isRecent && text.startsWith('P') ? `${text} now` : text),
        size.columns,
      ),
      look: 'heading',
    },
  ];
  const pageRows = Math.max(0, size.rows - head.length - (isInteractive ? 1 : 0));
  const from = Math.min(view.scroll, Math.max(0, rows.length - pageRows));
  const body = rows.slice(from, from + pageRows).map((row): Line => {
    const name = row.depth === 0 ? row.name : `  ${row.name}`;
    return {
      text: tableLine(name, columns, ({ text }) => text(row), size.columns),
      look: row.depth === 0 ? 'plain' : 'faint',
    };
  });
  const lines = [...head, ...body];
  if (isInteractive) {
    // The last line stays the last.
    while (lines.length < size.rows - 1) lines.push({ text: '', look: 'plain' });
    lines.push(footer(view, from, pageRows, rows.length));
  }
  const cut = lines.slice(0, size.rows).map((line) => ({ ...line, text: cutTo(line.text, size.columns) }));
  return { lines: cut, pageRows, allRows: rows.length };
}

function title({ hello, everyMs, current, isPaused, silentMs }: View): string {
  const usual = isPaused ? 'PAUSED' : `every ${figure(everyMs / 1000, 'seconds')}`;
  const state = silentMs === undefined ? usual : `NO ANSWER for ${uptime(silentMs)}`;
  const parts = ['corelane-top', `pid ${hello.pid}`, state];
  if (current !== undefined) parts.push(`up ${uptime(current.takenAtMs - hello.startedAtMs)}`);
  // Last, for it may be long.
  parts.push(`Node ${harmless(hello.node)}`, harmless(hello.title));
  return parts.join(' · ');
}

function summary({ current, filter, hello, ...rest }: View, all: number, found: number): string {
  if (current === undefined) return 'waiting for the first figures';
  const threads = current.writers.filter(({ claimed }) => claimed).length;
  const series = filter === '' ? `${all} series` : `${found} rows of ${all} series with “${filter}”`;
  return [
    ...vitalSigns({ ...rest, current, startedAtMs: hello.startedAtMs }),
    `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    series,
  ].join(' · ');
}

function footer(view: View, from: number, pageRows: number, allRows: number): Line {
  if (view.isTyping) return { text: `/${view.filter}▏ enter keeps it, esc ends it`, look: 'strong' };
  const sort = `by ${view.sort}`;
  const place =
    allRows > pageRows ? ` · rows ${from + 1}–${Math.min(allRows, from + pageRows)} of ${allRows}` : '';
  return { text: `${sort}${place} · ${HELP}`, look: 'faint' };
}

function chosenColumns(width: number): Column[] {
  const chosen = [...COLUMNS];
  const used = (): number => chosen.reduce((sum, column) => sum + column.width + 1, 0);
  while (chosen.length > 1 && width - used() < NAME_MIN) chosen.pop();
  return chosen.toSorted((a, b) => ORDER.indexOf(a.title) - ORDER.indexOf(b.title));
}

function tableLine(
  name: string,
  columns: readonly Column[],
  text: (column: Column) => string,
  width: number,
): string {
  const rest = columns.reduce((left, column) => left - column.width - 1, width);
  const cells = columns.map((column) => ` ${fitted(text(column), column.width, 'right')}`);
  return `${fitted(name, Math.max(1, rest))}${cells.join('')}`;
}
