// Lines of OpenMetrics text 1.0 (https://github.com/prometheus/OpenMetrics, "ABNF" and "Text format").
import { exportedNames, type Definition } from './definition.ts';
import { escapeQuoted, EXPORTED_TYPE, numberText, type TextFormat } from './prometheus.ts';

export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export const openMetricsFormat: TextFormat = {
  candidates(definition) {
    if (definition.type !== 'counter') return exportedNames(definition);
    return [...new Set([definition.name, ...counterNames(definition)])];
  },
  names(definition, isShared) {
    const { name } = definition;
    const type = EXPORTED_TYPE[definition.type];
    if (type === 'gauge') return { name, type, sample: name, created: undefined };
    if (type === 'histogram') return { name, type, sample: name, created: `${name}_created` };
    const [plain, sample, created] = counterNames(definition);
    // Where another metric could have one of them (`jobs` and `jobs_total`), it keeps its own, as a metric of no known type.
    return [name, plain, sample, created].some(isShared)
      ? { name, type: 'unknown', sample: name, created: undefined }
      : { name: plain, type, sample, created };
  },
  head({ unit, help }, { name, type }) {
    // A name of no known type may not end with its unit.
    const unitLine = unit === '' || !name.endsWith(`_${unit}`) ? '' : `# UNIT ${name} ${unit}\n`;
    // Other than in the older format, quotes in a help are escaped.
    const helpLine = help === '' ? '' : `# HELP ${name} ${escapeQuoted(help)}\n`;
    return `# TYPE ${name} ${type}\n${unitLine}${helpLine}`;
  },
  bound: canonicalNumber,
  end: '# EOF\n',
};

/** A counter's family is without `_total`, which its lines have. */
function counterNames({ name }: Definition): [family: string, sample: string, created: string] {
  const plain = name.replace(/_total$/, '');
  return [plain, `${plain}_total`, `${plain}_created`];
}

/**
 * A number as Go writes it, which the values of `le` are to look like in all exporters, as they are compared as texts: `1.0`, `0.005`,
 * `1e+06`, `2.5e-05`.
 */
export function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) return numberText(value);
  const [digits, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 6) {
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}
