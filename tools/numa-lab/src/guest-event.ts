/** What the program in the machine says: one JSON object a line, on a serial port of its own. */
import { LabError } from './errors.ts';

const PROTOCOL = 1;

export type Verdict = 'passed' | 'failed';

export interface TestResult {
  readonly suite: string;
  readonly test: string;
  /** What was asked of the machine, in one line. */
  readonly asked: string;
  /** What the kernel said afterwards; for a failed test also what was expected instead. */
  readonly readBack: string;
  readonly verdict: Verdict;
  readonly durationMs: number;
}

export type GuestEvent =
  | {
      readonly event: 'hello';
      readonly protocol: number;
      readonly node: string;
      readonly kernel: string;
      /** Of the native addon: loaded, or why not. */
      readonly addon: string;
      /** How many tests will be begun. */
      readonly tests: number;
    }
  | { readonly event: 'begin'; readonly suite: string; readonly test: string }
  | ({ readonly event: 'result' } & TestResult)
  | { readonly event: 'end' }
  /** From the machine's /init, whatever became of the program. */
  | { readonly event: 'exit'; readonly status: number };

type Fields = Record<string, 'string' | 'number'>;

const FIELDS: Record<GuestEvent['event'], Fields> = {
  hello: { protocol: 'number', node: 'string', kernel: 'string', addon: 'string', tests: 'number' },
  begin: { suite: 'string', test: 'string' },
  result: {
    suite: 'string',
    test: 'string',
    asked: 'string',
    readBack: 'string',
    verdict: 'string',
    durationMs: 'number',
  },
  end: {},
  exit: { status: 'number' },
};

/** @throws LabError `ERR_LAB_PROTOCOL` with the line and what is wrong with it. */
export function parseGuestEvent(line: string): GuestEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(line, 'is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw wrong(line, 'is no object');
  const record = value as Record<string, unknown>;
  const name = record['event'];
  if (typeof name !== 'string' || !Object.hasOwn(FIELDS, name)) throw wrong(line, 'has no known event');
  for (const [field, type] of Object.entries(FIELDS[name as GuestEvent['event']]))
    if (typeof record[field] !== type)
      throw wrong(line, `has ${field}: ${typeof record[field]}, expected ${type}`);
  const event = record as unknown as GuestEvent;
  if (event.event === 'hello' && event.protocol !== PROTOCOL)
    throw wrong(line, `speaks protocol ${event.protocol}, expected ${PROTOCOL}`);
  if (event.event === 'result' && event.verdict !== 'passed' && event.verdict !== 'failed')
    throw wrong(line, `has verdict ${JSON.stringify(event.verdict)}, expected passed or failed`);
  return event;
}

function wrong(line: string, what: string): LabError {
  const shown = line.length > 200 ? `${line.slice(0, 200)}… (${line.length} characters)` : line;
  return new LabError('ERR_LAB_PROTOCOL', `a line from the machine ${what}: ${shown}`);
}
