// Numbers as few letters: what fits into a column of nine.
import type { ParsedSnapshot } from '@corelane/perf-counters';

export type Metric = ParsedSnapshot['metrics'][number];
export type Quantity = 'seconds' | 'bytes' | 'date' | 'plain';

/** What figures of a metric are, by its unit or, where none was declared, by its name. */
export function quantityOf({ name, unit }: Pick<Metric, 'name' | 'unit'>): Quantity {
  const bare = name.replace(/_total$/, '');
  if (/_(start_time|timestamp)_seconds$/.test(bare)) return 'date';
  if (unit === 'seconds' || bare.endsWith('_seconds')) return 'seconds';
  if (unit === 'bytes' || bare.endsWith('_bytes')) return 'bytes';
  return 'plain';
}

/** A dash for what is not known, nothing for what there can't be. */
export function figure(value: number | null | undefined, quantity: Quantity, nowMs = Date.now()): string {
  if (value === undefined) return '';
  if (value === null) return '–';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+∞' : '-∞';
  switch (quantity) {
    case 'seconds':
      return seconds(value);
    case 'bytes':
      return scaled(value, 1024, BYTES);
    case 'date':
      return date(value * 1000, nowMs);
    case 'plain':
      return scaled(value, 1000, THOUSANDS);
  }
}

/** How much of a second, in percent. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(Math.abs(share) < 0.0995 ? 1 : 0)}%`;
}

/** `1d 02h`, `3h 04m`, `5m 06s`, `7s` */
export function uptime(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 86_400) return `${Math.floor(s / 86_400)}d ${two(Math.floor(s / 3600) % 24)}h`;
  if (s >= 3600) return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m ${two(s % 60)}s` : `${s}s`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

const DAY_S = 86_400;
const THOUSANDS = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function scaled(value: number, base: number, suffixes: readonly string[]): string {
  let size = Math.abs(value);
  let step = 0;
  // 999.95 is 1.00k: what rounds up to the next step is in it.
  while (size >= base * 0.9995 && step < suffixes.length - 1) {
    size /= base;
    step += 1;
  }
  if (size >= 1e6) return value.toExponential(2);
  if (size < 0.01 && size > 0 && base === 1024) return '~0 B';
  if (size < 1e-4 && size > 0) return value.toExponential(1);
  const digits = step === 0 && Number.isInteger(size) ? String(size) : significant(size);
  const suffix = suffixes[step] as string;
  return `${value < 0 ? '-' : ''}${digits}${suffix.length > 1 || suffix === 'B' ? ' ' : ''}${suffix}`;
}

function seconds(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? '-' : '';
  if (size === 0) return '0';
  if (size >= 1000 * DAY_S) return `${scaled(value / DAY_S, 1000, THOUSANDS)} d`;
  if (size >= 3599.5) return `${sign}${uptime(size * 1000)}`;
  if (size >= 59.95) return `${sign}${uptime(Math.round(size) * 1000)}`;
  if (size >= 0.9995) return `${sign}${significant(size)} s`;
  if (size >= 0.999_5e-3) return `${sign}${significant(size * 1e3)} ms`;
  if (size >= 0.999_5e-6) return `${sign}${significant(size * 1e6)} µs`;
  return size >= 1e-11 ? `${sign}${significant(size * 1e9)} ns` : '~0';
}

/** The time of day in UTC of what was within a day, the date of all else. */
function date(ms: number, nowMs: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return 'no date';
  const text = at.toISOString();
  return Math.abs(nowMs - ms) < DAY_S * 1000 ? `${text.slice(11, 19)}Z` : text.slice(0, 10);
}

/** Three digits that count, below 1000. */
function significant(size: number): string {
  if (size >= 99.95) return size.toFixed(0);
  if (size >= 9.995) return size.toFixed(1);
  return size >= 0.0995 || size === 0 ? size.toFixed(2) : size.toPrecision(2);
}
