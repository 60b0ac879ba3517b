// Lines of the Prometheus text exposition format 0.0.4, and what text formats have in common.
import { exportedNames, type Definition } from './definition.ts';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What a type is called in text formats and by prom-client. */
export const EXPORTED_TYPE = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
  timer: 'histogram',
} as const;

/** What a metric is called in a format. */
export interface FamilyNames {
  readonly name: string;
  readonly type: string;
  /** Of the line with a value. */
  readonly sample: string;
  /** Of the line with a start time; none where the format or the type has no such line. */
  readonly created: string | undefined;
}

/** A way to write metrics down; the exposition does the rest. */
export interface TextFormat {
  /** Names that its lines, or its family, could have. */
  candidates(definition: Definition): readonly string[];
  /** @param isShared whether a name is a candidate of another metric, too */
  names(definition: Definition, isShared: (name: string) => boolean): FamilyNames;
  /** Lines that begin with #, each with its line end. */
  head(definition: Definition, names: FamilyNames): string;
  /** Of a bucket, as text. */
  bound(upper: number): string;
  /** What the whole ends with. */
  readonly end: string;
}

export const prometheusFormat: TextFormat = {
  candidates: exportedNames,
  names: ({ name, type }) => ({ name, type: EXPORTED_TYPE[type], sample: name, created: undefined }),
  head: ({ help }, { name, type }) => `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`,
  bound: numberText,
  end: '',
};

/** `code="202",route="/"`, escaped. */
export function labelText(labels: readonly string[], values: readonly string[]): string {
  return labels.map((label, i) => labelPair(label, values[i] as string)).join(',');
}

export function labelPair(label: string, value: string): string {
  return `${label}="${escapeQuoted(value)}"`;
}

export function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** For what stands in quotes. */
export function escapeQuoted(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
