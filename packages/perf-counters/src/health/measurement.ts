// What a check has found: a value, nothing to go by, nothing known, or a failure.
import { HealthCheckError } from './errors.ts';

/** What `measure` returns. A plain number is a value, null is not measurable. */
export type Measured =
  | number
  | null
  | { readonly value: number; readonly detail?: string }
  /** It can not be told, and why. */
  | { readonly unknown: string }
  /** There was nothing to measure: no request, no switch. Neither good nor bad; open episodes may end. */
  | { readonly idle: string }
  /** Too early to tell. As if it had not been measured. */
  | { readonly pending: string };

export type Measurement =
  | { readonly kind: 'value'; readonly value: number; readonly detail: string | null }
  | { readonly kind: 'unknown' | 'idle' | 'pending'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string; readonly error: unknown };

const MOST_DETAIL = 500;

/** What came back from `measure`, checked: it is other people's code. */
export function toMeasurement(check: string, measured: unknown): Measurement {
  if (measured === null) return { kind: 'unknown', detail: 'not measurable here' };
  if (typeof measured === 'number') return fromValue(check, measured, null);
  if (typeof measured === 'object') {
    const { value, detail, unknown, idle, pending } = measured as Record<string, unknown>;
    if (typeof unknown === 'string') return { kind: 'unknown', detail: short(unknown) };
    if (typeof idle === 'string') return { kind: 'idle', detail: short(idle) };
    if (typeof pending === 'string') return { kind: 'pending', detail: short(pending) };
    if (typeof value === 'number')
      return fromValue(check, value, typeof detail === 'string' ? short(detail) : null);
  }
  return failed(
    new HealthCheckError(
      'ERR_HEALTH_MEASUREMENT',
      check,
      `check ${check} has measured ${describe(measured)}, expected a number, null, { value }, { unknown }, { idle } or { pending }`,
    ),
  );
}

export function failed(error: unknown): Measurement {
  return { kind: 'failed', detail: short(messageOf(error)), error };
}

/** An error need not be an `Error`, nor of this realm. */
function messageOf(error: unknown): string {
  const message: unknown =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
  if (typeof message !== 'string') return `threw ${describe(error)}`;
  return message === '' ? 'failed without a message' : message;
}

/** It goes into reports, and over the wire. */
function short(detail: string): string {
  return detail.length > MOST_DETAIL ? `${detail.slice(0, MOST_DETAIL)}…` : detail;
}

function fromValue(check: string, value: number, detail: string | null): Measurement {
  if (Number.isFinite(value)) return { kind: 'value', value, detail };
  const message = `check ${check} has measured ${value}, expected a finite number`;
  return failed(new HealthCheckError('ERR_HEALTH_MEASUREMENT', check, message));
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 200));
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return `${value}`;
  return value === undefined ? 'undefined' : Object.prototype.toString.call(value);
}
