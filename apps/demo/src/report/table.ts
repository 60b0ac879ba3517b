// Tables for a terminal: ruled lines and colour where there is one, aligned columns of plain text elsewhere.
import { styleText } from 'node:util';
import CliTable from 'cli-table3';

export interface TableStyle {
  /** Ruled and coloured. */
  readonly rich: boolean;
}

type Cell = string | number | null;

const RULES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '  ',
  right: '',
  'right-mid': '',
  mid: '─',
  'mid-mid': '──',
  middle: '  ',
};
const PLAIN = { ...RULES, mid: '', 'mid-mid': '', 'left-mid': '' };

/** The first column is text, the others are numbers unless `textColumns` has their index. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
  textColumns: readonly number[] = [0],
): string {
  const cells = new CliTable({
    head: head.map((title) => (style.rich ? styleText('dim', title, { validateStream: false }) : title)),
    chars: style.rich ? RULES : PLAIN,
    style: { head: [], border: style.rich ? ['gray'] : [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_title, i) => (textColumns.includes(i) ? 'left' : 'right')),
  });
  cells.push(...rows.map((row) => row.map((cell) => formatCell(cell))));
  const lines = cells.toString().split('\n');
  // One rule, below the head: cli-table3 draws one below every row.
  const ruled = lines.filter((line, i) => i < 2 || !/^[\s─]*$/.test(stripped(line)));
  return ruled.map((line) => line.trimEnd()).join('\n');
}

/** 1234567.8 → '1,234,568'; small fractions keep two digits; null is '–'. */
export function formatCell(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  if (Number.isInteger(cell) || Math.abs(cell) >= 1000) return Math.round(cell).toLocaleString('en-US');
  return cell.toFixed(2);
}

function stripped(line: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences are control characters
  return line.replaceAll(/\u001b\[\d+m/g, '');
}
