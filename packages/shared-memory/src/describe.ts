// Prints layouts as they lie in memory: for people who read a layout, and for documents that are generated from it.
import type { Bits } from './bits.ts';
import { cacheLines, checkLineBytes, type LinePart } from './cache-lines.ts';
import { ArgumentRangeError } from './errors.ts';
import type { Struct } from './struct.ts';

export interface DescribeOptions {
  /** 'text' by default. */
  readonly format?: 'text' | 'markdown';
  /** For a struct: 64 by default. Use 128 to see what the adjacent-line prefetcher moves together. */
  readonly lineBytes?: number;
}

/**
 * A struct as a map of its cache lines (bytes and 32-bit words, fields, access, writer, reader, padding), a bit table as a diagram
 * of the word.
 * @throws ArgumentRangeError
 */
export function describe(layout: Struct | Bits, options: DescribeOptions = {}): string {
  const { format = 'text', lineBytes = 64 } = options;
  if (format !== 'text' && format !== 'markdown')
    throw new ArgumentRangeError('format', format, "'text' or 'markdown'");
  checkLineBytes(lineBytes);
  const { title, head, rows } = layout.type === 'bits' ? bitTable(layout) : lineTable(layout, lineBytes);
  if (format === 'markdown') return markdown(title, head, rows);
  return layout.type === 'bits'
    ? `${title}\n${diagram(layout)}\n${text(head, rows)}`
    : `${title}\n${text(head, rows)}`;
}

interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function lineTable(struct: Struct, lineBytes: number): Table {
  const { name, version, bytes, alignBytes, root } = struct;
  const lines = cacheLines(struct, lineBytes);
  return {
    title: `${name} v${version}${root ? ' (root)' : ''}: ${bytes} bytes in ${lines.length} lines of ${lineBytes}, aligned to ${alignBytes}`,
    head: ['line', 'bytes', 'word', 'field', 'size', 'access', 'hot', 'written by', 'read by', 'holds'],
    rows: lines.flatMap(({ index, parts }) =>
      parts.map((part, i) => [
        i === 0 ? String(index) : '',
        range(part.fromBytes, part.toBytes),
        part.fromBytes % 4 === 0 ? String(part.fromBytes / 4) : '',
        ...cells(part),
      ]),
    ),
  };
}

/** From the field's name on. */
function cells({ field, fromBytes, toBytes }: LinePart): string[] {
  const size = toBytes - fromBytes;
  if (field === undefined) return ['(padding)', `${size} B`, '', '', '', '', ''];
  const isPart = size !== field.sizeBytes;
  const kind = typeof field.kind === 'number' ? `${field.kind} B` : field.kind;
  return [
    isPart && fromBytes !== field.offsetBytes ? `${field.name} (continued)` : field.name,
    isPart ? `${size} of ${field.sizeBytes} B` : kind,
    field.by === undefined ? field.access : `${field.access} by ${field.by}`,
    field.hot ?? '',
    field.writer ?? '',
    field.reader ?? '',
    field.doc ?? '',
  ];
}

function bitTable({ name, width, fields }: Bits): Table {
  return {
    title: `${name}: ${width} bits`,
    head: ['bits', 'field', 'width', 'half', 'shift', 'mask', 'one'],
    rows: fields.toReversed().map((field) => {
      const from = field.half * 32 + field.shift;
      return [
        range(from, from + field.width),
        field.name,
        String(field.width),
        width === 32 ? '' : field.half === 1 ? 'high' : 'low',
        String(field.shift),
        hex(field.mask),
        hex(field.one),
      ];
    }),
  };
}

/** The word from the highest bit to the lowest, each field as wide as its bits where its name fits. */
function diagram({ fields }: Bits): string {
  const boxes = fields.toReversed().map(({ name, width, half, shift }) => {
    const low = String(half * 32 + shift);
    const high = String(half * 32 + shift + width - 1);
    const inner = Math.max(width, name.length + 2, width === 1 ? low.length : high.length + low.length + 1);
    return {
      bits: width === 1 ? low.padEnd(inner) : high + low.padStart(inner - high.length),
      edge: '-'.repeat(inner),
      name: name.padStart(Math.ceil((inner + name.length) / 2)).padEnd(inner),
    };
  });
  const edge = `+${boxes.map((box) => box.edge).join('+')}+`;
  return [
    ` ${boxes.map((box) => box.bits).join(' ')}`,
    edge,
    `|${boxes.map((box) => box.name).join('|')}|`,
    edge,
  ].join('\n');
}

/** `to` is exclusive. */
function range(from: number, to: number): string {
  return to - from === 1 ? String(from) : `${from}-${to - 1}`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** Columns that are empty in every row are left out. */
function used({ head, rows }: Omit<Table, 'title'>): (readonly string[])[] {
  const columns = head.map((_, i) => i).filter((i) => rows.some((row) => row[i] !== ''));
  return [head, ...rows].map((row) => columns.map((i) => row[i] ?? ''));
}

function text(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = used({ head, rows });
  const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function markdown(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const [first = [], ...rest] = used({ head, rows });
  return [`**${title}**`, '', ...[first, first.map(() => '---'), ...rest].map(markdownRow)].join('\n');
}

function markdownRow(row: readonly string[]): string {
  return `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
