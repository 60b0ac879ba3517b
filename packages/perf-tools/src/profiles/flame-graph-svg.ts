// A flame graph as one SVG file that needs nothing else: names and times as tooltips and, where the viewer runs scripts, zoom and search.
import { ArgumentRangeError, checkInteger, checkNames } from '../errors.ts';
import type { CallTree, Profiles } from './call-tree.ts';
import { layoutFlameGraph, type FlameBox, type FrameKind } from './flame-graph.ts';
import { FLAME_GRAPH_SCRIPT } from './flame-graph-script.ts';

export interface FlameGraphOptions {
  /** Pixels, 200 to 20,000; 1200 by default. */
  readonly width?: number;
  readonly title?: string;
  /** Callers above what they call (`down`, the default), or below (`up`). */
  readonly direction?: 'down' | 'up';
  /** A box per thread below the root, or all threads added up. By default where there are several. */
  readonly byThread?: boolean;
  /** With the time in which nothing ran; false by default. */
  readonly idle?: boolean;
  /** Boxes narrower than this are left out, and counted; 0.3 by default. */
  readonly minWidthPx?: number;
}

const ROW_PX = 17;
/** The title, and a row with buttons and the legend; where that has no place for the legend it has a row of its own. */
const HEAD_PX = 44;
const LEGEND_ROW_PX = 20;
const BUTTONS_PX = 170;
const FOOT_PX = 24;
const MARGIN_PX = 10;
/** Of a letter of the font, a little more than it is; letters of most scripts beyond Latin, Greek and Cyrillic may take two. */
const LETTER_PX = 7.3;
const TITLE_LETTER_PX = 9.3;

/** Hue and saturation; the lightness varies with the name. */
const COLOURS: Record<FrameKind, readonly [hue: number, saturation: number]> = {
  app: [24, 90],
  dependency: [205, 60],
  node: [140, 40],
  v8: [0, 0],
};
const LEGEND: readonly (readonly [FrameKind, string])[] = [
  ['app', 'application'],
  ['dependency', 'node_modules'],
  ['node', 'Node'],
  ['v8', 'V8'],
];

const LEGEND_GAP_PX = 8;
const legendPartPx = (text: string): number => text.length * LETTER_PX + 16 + LEGEND_GAP_PX;
const LEGEND_PX = LEGEND.reduce((px, [, text]) => px + legendPartPx(text), 0);

/** @throws ArgumentRangeError, ProfileFormatError */
export function toFlameGraphSvg(profiles: Profiles, options: FlameGraphOptions = {}): string {
  checkNames('toFlameGraphSvg', options, ['width', 'title', 'direction', 'byThread', 'idle', 'minWidthPx']);
  const { width = 1200, title = 'CPU profile', direction = 'down', idle = false, minWidthPx = 0.3 } = options;
  const { byThread } = options;
  checkInteger('width', width, 200, 20_000);
  if (direction !== 'down' && direction !== 'up')
    throw new ArgumentRangeError('direction', direction, "'down' or 'up'");
  if (!(minWidthPx >= 0 && minWidthPx < 1000))
    throw new ArgumentRangeError('minWidthPx', minWidthPx, '0 to 1000');
  const inner = width - 2 * MARGIN_PX;
  const layout = layoutFlameGraph(profiles, {
    idle,
    minWidth: minWidthPx / inner,
    ...(byThread === undefined ? {} : { byThread }),
  });
  const isNarrow = inner < LEGEND_PX + BUTTONS_PX;
  const headPx = isNarrow ? HEAD_PX + LEGEND_ROW_PX : HEAD_PX;
  const height = headPx + layout.depth * ROW_PX + FOOT_PX;
  const topOf = (depth: number): number =>
    headPx + (direction === 'down' ? depth : layout.depth - 1 - depth) * ROW_PX;
  const frames = layout.boxes.map((box) => drawn(box, topOf(box.depth), inner, layout.totalUs));
  const hidden = layout.hidden === 0 ? '' : `, ${layout.hidden} too narrow to draw`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" data-inner="${inner}" data-margin="${MARGIN_PX}" data-letter="${LETTER_PX}">`,
    `<style>text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#222}.title{font-size:15px;font-weight:bold}.button{cursor:pointer;fill:#1a5fb4}#frames g{cursor:pointer}#frames g:hover rect{stroke:#222}.found rect{fill:#d33cff}.above{opacity:.55}</style>`,
    `<rect width="100%" height="100%" fill="#fdfdfb"/>`,
    `<title>${escaped(title)}</title>`,
    `<text class="title" x="${MARGIN_PX}" y="20">${escaped(cutTo(title, Math.floor(inner / TITLE_LETTER_PX)))}</text>`,
    buttons(width),
    isNarrow
      ? legend(MARGIN_PX, 58, width - MARGIN_PX)
      : legend(MARGIN_PX + BUTTONS_PX / 2 + (inner - BUTTONS_PX - LEGEND_PX), 38, width),
    `<text id="details" x="${MARGIN_PX}" y="${height - 8}">${escaped(`${duration(layout.totalUs)} in ${layout.boxes.length} boxes${hidden}`)}</text>`,
    `<g id="frames">`,
    ...frames,
    `</g>`,
    `<script><![CDATA[${FLAME_GRAPH_SCRIPT}]]></script>`,
    `</svg>`,
    '',
  ].join('\n');
}

function drawn(
  { x, width, node, kind, totalUs }: FlameBox,
  top: number,
  inner: number,
  allUs: number,
): string {
  const name = nameOf(node);
  const left = MARGIN_PX + x * inner;
  const px = width * inner;
  const share = allUs === 0 ? 100 : (totalUs / allUs) * 100;
  const place = placeOf(node);
  const about = `${name}${place === '' ? '' : ` — ${place}`}\n${duration(totalUs)} (${share.toFixed(share < 10 ? 2 : 1)} %), itself ${duration(node.selfUs)} in ${node.samples} samples`;
  const label = labelOf(name, px);
  return (
    `<g data-x="${x.toFixed(7)}" data-w="${width.toFixed(7)}" data-name="${escaped(name)}"><title>${escaped(about)}</title>` +
    `<rect x="${left.toFixed(2)}" y="${top}" width="${Math.max(0.1, px - 0.4).toFixed(2)}" height="${ROW_PX - 1}" rx="1" fill="${colourOf(kind, name)}"/>` +
    `<text x="${(left + 3).toFixed(2)}" y="${top + 12}">${escaped(label)}</text></g>`
  );
}

function legend(left: number, y: number, right: number): string {
  let x = left;
  const drawnParts = LEGEND.map(([kind, text]) => {
    const at = x;
    x += legendPartPx(text);
    if (x - LEGEND_GAP_PX > right) return '';
    return `<rect x="${at.toFixed(1)}" y="${y - 10}" width="12" height="12" fill="${colourOf(kind, text)}"/><text x="${(at + 16).toFixed(1)}" y="${y}">${text}</text>`;
  });
  return drawnParts.join('');
}

function buttons(width: number): string {
  return `<text id="reset" class="button" x="${MARGIN_PX}" y="38" visibility="hidden">reset zoom</text><text id="search" class="button" x="${width - MARGIN_PX}" y="38" text-anchor="end" visibility="hidden">search</text>`;
}

function nameOf({ functionName }: CallTree): string {
  return functionName === '' ? '(anonymous)' : functionName;
}

function placeOf({ url, lineNumber, columnNumber }: CallTree): string {
  if (url === '') return '';
  return lineNumber < 0 ? url : `${url}:${lineNumber + 1}:${columnNumber + 1}`;
}

function labelOf(name: string, widthPx: number): string {
  const letters = Math.floor((widthPx - 6) / LETTER_PX);
  return letters < 3 ? '' : cutTo(name, letters);
}

/** As the script does it when it zooms. */
function cutTo(text: string, letters: number): string {
  let used = 0;
  let cut = '';
  for (const letter of text) {
    used += (letter.codePointAt(0) as number) < 0x05_90 ? 1 : 2;
    if (used < letters) cut += letter;
    if (used > letters) return `${cut}…`;
  }
  return text;
}

function colourOf(kind: FrameKind, name: string): string {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) as number)) | 0;
  const [hue, saturation] = COLOURS[kind];
  return `hsl(${hue + ((hash >>> 8) % 17) - 8} ${saturation}% ${66 + (hash & 15)}%)`;
}

function duration(us: number): string {
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  return us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us)} µs`;
}

/** What XML 1.0 cannot have even escaped is shown as U+FFFD. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
