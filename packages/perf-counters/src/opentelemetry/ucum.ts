// Units as OpenTelemetry writes them: codes of UCUM, for the words that Prometheus uses. Pure. The table is that of the specification
// ("Prometheus and OpenMetrics Compatibility", metric metadata).

const CODES: Readonly<Record<string, string>> = {
  days: 'd',
  hours: 'h',
  minutes: 'min',
  seconds: 's',
  milliseconds: 'ms',
  microseconds: 'us',
  nanoseconds: 'ns',
  bytes: 'By',
  kibibytes: 'KiBy',
  mebibytes: 'MiBy',
  gibibytes: 'GiBy',
  tibibytes: 'TiBy',
  kilobytes: 'kBy',
  megabytes: 'MBy',
  gigabytes: 'GBy',
  terabytes: 'TBy',
  meters: 'm',
  volts: 'V',
  amperes: 'A',
  joules: 'J',
  watts: 'W',
  grams: 'g',
  celsius: 'Cel',
  hertz: 'Hz',
  percent: '%',
  ratio: '1',
};

const PER: Readonly<Record<string, string>> = {
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'wk',
  month: 'mo',
  year: 'y',
};

/**
 * `seconds` → `s`, `bytes_per_second` → `By/s`, `requests` → `{requests}`: what UCUM does not know is an annotation, as it has it.
 * @param unit of a metric; '' for none
 */
export function ucumUnit(unit: string): string {
  const [, of = unit, per] = /^(.+)_per_([a-z]+)$/.exec(unit) ?? [];
  if (per !== undefined && Object.hasOwn(PER, per)) return `${code(of)}/${PER[per]}`;
  return unit === '' ? '' : code(unit);
}

function code(unit: string): string {
  return Object.hasOwn(CODES, unit) ? (CODES[unit] as string) : `{${unit}}`;
}
