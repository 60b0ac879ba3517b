// Which text format a scraper wants, by the Accept header of its request.
import { OPEN_METRICS_CONTENT_TYPE } from './openmetrics.ts';
import { PROMETHEUS_CONTENT_TYPE } from './prometheus.ts';

export type MetricsContentType = typeof OPEN_METRICS_CONTENT_TYPE | typeof PROMETHEUS_CONTENT_TYPE;

/** Media ranges that a format answers to, the most specific first, with the versions that it may be asked for in. */
const OFFERS = [
  {
    contentType: PROMETHEUS_CONTENT_TYPE,
    ranges: ['text/plain', 'text/*', '*/*'],
    versions: ['0.0.4'],
  },
  {
    contentType: OPEN_METRICS_CONTENT_TYPE,
    ranges: ['application/openmetrics-text', 'application/*', '*/*'],
    versions: ['0.0.1', '1.0.0'],
  },
] as const;

/** Scrapers send five; what comes after these is not looked at. */
const MAX_RANGES = 32;
const MAX_PARAMETERS = 16;

/**
 * The format to answer with: the one that the header gives the higher weight, the older one where it has no preference, is missing or
 * allows neither (a scraper can do more with it than with a 406).
 * @param accept the header as it came: `application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*\/*;q=0.1`
 */
export function contentTypeFor(accept: string | undefined): MetricsContentType {
  const ranges = (accept ?? '').split(',', MAX_RANGES).map(parseRange);
  let best: { contentType: MetricsContentType; weight: number } = {
    contentType: PROMETHEUS_CONTENT_TYPE,
    weight: 0,
  };
  for (const { contentType, ranges: names, versions } of OFFERS) {
    const weight = weightOf(ranges, names, versions);
    if (weight > best.weight) best = { contentType, weight };
  }
  return best.contentType;
}

interface MediaRange {
  readonly name: string;
  readonly version: string | undefined;
  readonly weight: number;
}

/** The weight of the most specific range that fits; 0 where none does. */
function weightOf(
  ranges: readonly MediaRange[],
  names: readonly string[],
  versions: readonly string[],
): number {
  for (const name of names) {
    const fitting = ranges.filter(
      (range) => range.name === name && (range.version === undefined || versions.includes(range.version)),
    );
    if (fitting.length > 0) return Math.max(...fitting.map(({ weight }) => weight));
  }
  return 0;
}

function parseRange(text: string): MediaRange {
  const [name = '', ...parameters] = text.split(';', MAX_PARAMETERS).map((part) => part.trim().toLowerCase());
  const parameter = (key: string): string | undefined =>
    parameters
      .find((each) => each.startsWith(`${key}=`))
      ?.slice(key.length + 1)
      .replaceAll('"', '');
  const weight = Number(parameter('q') ?? 1);
  return { name, version: parameter('version'), weight: weight >= 0 && weight <= 1 ? weight : 0 };
}
