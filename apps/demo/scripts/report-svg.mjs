// Draws a report as the terminal shows it: node scripts/report-svg.mjs report.json ../../docs/gateway-report.svg
// where report.json is what `npm run --silent demo -- --json` printed.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { reportText } from '../src/report/text.ts';

const CHAR_PX = 7.4;
const LINE_PX = 17;
const MARGIN_PX = 20;
const BAR_PX = 34;
const COLOURS = {
  text: '#d6dde6',
  dim: '#7f8b99',
  green: '#7bd88f',
  red: '#ff6b6b',
  ground: '#14181d',
  bar: '#20262d',
};

/** What an SGR parameter sets. */
const STYLES = {
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  31: { colour: 'red' },
  32: { colour: 'green' },
  39: { colour: undefined },
  90: { colour: 'dim' },
};

/** `ESC [ parameter m`. */
const SGR = new RegExp(`(${String.fromCodePoint(27)}\\[\\d+m)`);

/** Runs of one style in a line with escape sequences. */
function runsOf(line) {
  let style = {};
  const runs = [];
  for (const part of line.split(SGR)) {
    const parameter = SGR.test(part) ? part.slice(2, -1) : undefined;
    if (parameter === undefined) {
      if (part !== '') runs.push({ text: part, ...style });
    } else {
      style = { ...style, ...STYLES[parameter] };
    }
  }
  return runs;
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function drawRun({ text, bold, dim, colour }, x) {
  const fill = COLOURS[colour ?? (dim ? 'dim' : 'text')];
  const weight = bold ? ' font-weight="bold"' : '';
  // Each run starts where the terminal would start it, whatever the width of this font's characters.
  return `<tspan x="${x.toFixed(1)}" fill="${fill}"${weight}>${escapeXml(text)}</tspan>`;
}

function drawLine(line, index) {
  const y = BAR_PX + MARGIN_PX + index * LINE_PX;
  let column = 0;
  const runs = runsOf(line).map((run) => {
    const drawn = drawRun(run, MARGIN_PX + column * CHAR_PX);
    column += run.text.length;
    return drawn;
  });
  return runs.length === 0 ? '' : `<text y="${y}">${runs.join('')}</text>`;
}

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined) {
  process.stderr.write('usage: node scripts/report-svg.mjs report.json report.svg\n');
  process.exit(2);
}
const lines = reportText(JSON.parse(readFileSync(source, 'utf8')), { rich: true })
  .trimEnd()
  .split('\n');
const columns = Math.max(
  ...lines.map((line) => runsOf(line).reduce((sum, { text }) => sum + text.length, 0)),
);
const width = Math.ceil(2 * MARGIN_PX + columns * CHAR_PX);
const height = BAR_PX + 2 * MARGIN_PX + lines.length * LINE_PX;
const dots = ['#ff5f57', '#febc2e', '#28c840']
  .map((fill, i) => `<circle cx="${20 + 18 * i}" cy="${BAR_PX / 2}" r="5.5" fill="${fill}"/>`)
  .join('');
writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The report of the gateway">
<rect width="${width}" height="${height}" rx="8" fill="${COLOURS.ground}"/>
<path d="M0 ${BAR_PX}V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${BAR_PX - 8}z" fill="${COLOURS.bar}"/>${dots}
<text x="${width / 2}" y="${BAR_PX / 2 + 4}" fill="${COLOURS.dim}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12" text-anchor="middle">npm run demo</text>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12.3" xml:space="preserve">
${lines.map(drawLine).filter(Boolean).join('\n')}
</g>
</svg>
`,
);
