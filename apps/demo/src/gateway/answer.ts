// Every answer that the gateway gives to a webhook, by name. Status and reason together are what a client counts.

interface AnswerShape {
  readonly status: number;
  /** Header `x-gateway-reason` and the body's `reason`; empty where there is nothing to explain. */
  readonly reason: string;
}

const table = {
  /** The upstream has it: it answered 2xx before this answer was sent. */
  accepted: { status: 202, reason: '' },
  malformed: { status: 400, reason: 'malformed' },
  tooDeep: { status: 400, reason: 'too deep' },
  badName: { status: 400, reason: 'bad name' },
  unknownEncoding: { status: 400, reason: 'unknown encoding' },
  noSignature: { status: 401, reason: 'no signature' },
  badSignature: { status: 401, reason: 'bad signature' },
  unknownSource: { status: 404, reason: 'unknown source' },
  tooLarge: { status: 413, reason: 'too large' },
  bomb: { status: 413, reason: 'bomb' },
  /** A defect of the gateway; no request should ever get it. */
  broken: { status: 500, reason: 'internal error' },
  throttled: { status: 429, reason: 'throttled' },
  open: { status: 503, reason: 'open' },
  probing: { status: 503, reason: 'probing' },
  upstreamFailed: { status: 503, reason: 'upstream failed' },
  /** The worker that delivered it died, and nobody knows whether the upstream has it. */
  workerLost: { status: 503, reason: 'worker lost' },
  overloaded: { status: 503, reason: 'overloaded' },
} as const satisfies Record<string, AnswerShape>;

export type AnswerName = keyof typeof table;

export const ANSWERS: Readonly<Record<AnswerName, AnswerShape>> = table;

export const ANSWER_NAMES = Object.keys(table) as readonly AnswerName[];
