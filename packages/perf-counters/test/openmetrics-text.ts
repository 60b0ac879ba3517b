// A strict reader of OpenMetrics text 1.0, written from its specification: no package for Node.js reads this format. It throws where a text
// breaks a rule that concerns counters, gauges, histograms and metrics of no known type; timestamps and exemplars it does not know.
export interface OpenSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface OpenFamily {
  readonly name: string;
  type: string;
  unit: string;
  help: string;
  readonly samples: OpenSample[];
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  unknown: [''],
  gauge: [''],
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
};
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const METADATA = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME})(?: (.*))?$`, 's');
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`, 's');
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const CANONICAL_BOUND = /^(?:\+Inf|\d+\.\d+|\d(?:\.\d+)?e[+-]\d\d+)$/;

/** @throws Error with the line that breaks a rule */
export function parseOpenMetrics(text: string): OpenFamily[] {
  if (!text.endsWith('# EOF\n')) throw new Error('the last line is not # EOF');
  const families: OpenFamily[] = [];
  const lines = text.slice(0, -1).split('\n');
  const seen = new Set<string>();
  lines.slice(0, -1).forEach((line, i) => {
    try {
      readLine(line, families, seen);
    } catch (error) {
      throw new Error(`line ${i + 1}: ${(error as Error).message}: ${line}`, { cause: error });
    }
  });
  checkNames(families);
  for (const family of families) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function readLine(line: string, families: OpenFamily[], seen: Set<string>): void {
  const last = families.at(-1);
  if (line.startsWith('#')) {
    const [, kind, name, rest = ''] = METADATA.exec(line) ?? fail('no metadata');
    if (last?.name !== name)
      families.push({ name: name as string, type: 'unknown', unit: '', help: '', samples: [] });
    const family = families.at(-1) as OpenFamily;
    if (family.samples.length > 0) fail('metadata after samples');
    if (families.some((each) => each !== family && each.name === name)) fail('a family in two places');
    if (seen.has(`${kind} ${name}`)) fail('metadata twice');
    seen.add(`${kind} ${name}`);
    if (kind === 'TYPE') family.type = rest in SUFFIXES ? rest : fail('an unknown type');
    if (kind === 'UNIT')
      family.unit = family.name.endsWith(`_${rest}`) ? rest : fail('a unit that the name does not end with');
    if (kind === 'HELP')
      family.help = unescape(/^(?:[^"\\\n]|\\["\\n])*$/.test(rest) ? rest : fail('help is not escaped'));
    return;
  }
  const [, name, labelText = '', valueText] = SAMPLE.exec(line) ?? fail('no sample');
  const suffixes = SUFFIXES[last?.type ?? ''] ?? [];
  if (!suffixes.some((suffix) => name === `${last?.name}${suffix}`)) fail('a sample of another family');
  const labels = readLabels(labelText);
  const value = readNumber(valueText as string);
  const mustCount = last?.type === 'counter' || last?.type === 'histogram';
  if (mustCount && !(value >= 0)) fail('not a count');
  const key = `${name} ${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
  if (seen.has(key)) fail('a sample twice');
  seen.add(key);
  last?.samples.push({ name: name as string, labels, value });
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== '';) {
    const [all, name, value] = LABEL.exec(rest) ?? fail('labels are malformed');
    if (name !== undefined && name in labels) fail('a label twice');
    if (name === 'le' && !CANONICAL_BOUND.test(value as string)) fail('le is not canonical');
    labels[name as string] = unescape(value as string);
    rest = rest.slice(all.length);
    if (rest === '' && all.endsWith(',')) fail('a comma at the end');
  }
  return labels;
}

function readNumber(text: string): number {
  const special = { '+Inf': Infinity, '-Inf': -Infinity, NaN }[text];
  if (special !== undefined) return special;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : fail('not a number');
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

/** No two families may have a line of one name. */
function checkNames(families: readonly OpenFamily[]): void {
  const owners = new Map<string, string>();
  for (const { name, type } of families)
    for (const line of new Set([
      name,
      ...(SUFFIXES[type] as readonly string[]).map((suffix) => name + suffix),
    ])) {
      if (owners.has(line)) throw new Error(`${line} may be of ${owners.get(line)} or ${name}`);
      owners.set(line, name);
    }
}

function checkHistogram({ name, samples }: OpenFamily): void {
  const series = Object.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: '' }));
  for (const [labels, each = []] of Object.entries(series)) {
    const of = (suffix: string): OpenSample[] => each.filter((sample) => sample.name === name + suffix);
    const buckets = of('_bucket').map(({ labels: { le = '' }, value }) => [readNumber(le), value] as const);
    const what = `${name}${labels}`;
    if (buckets.at(-1)?.[0] !== Infinity) throw new Error(`${what} has no last bucket`);
    for (let i = 1; i < buckets.length; i++)
      if (!(buckets[i]![0] > buckets[i - 1]![0] && buckets[i]![1] >= buckets[i - 1]![1]))
        throw new Error(`the buckets of ${what} do not ascend`);
    if (of('_count')[0]?.value !== buckets.at(-1)?.[1])
      throw new Error(`count of ${what} is not that of its buckets`);
    if (of('_sum').length !== 1) throw new Error(`${what} has no sum`);
  }
}

function fail(what: string): never {
  throw new Error(what);
}
