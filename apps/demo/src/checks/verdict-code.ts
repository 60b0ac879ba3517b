// A verdict on its way from a check thread to the HTTP worker that asked, as a number, or as a number and a name: the scheduler carries
// numbers and ASCII as they are, and objects by structured clone.
import type { BodyFault, BodyVerdict } from './check-body.ts';

const FAULTS: readonly (BodyFault | undefined)[] = [
  undefined,
  'malformed',
  'tooDeep',
  'badName',
  'bomb',
  'unknownEncoding',
];
/** The fault is the remainder, the ratio the quotient less 1; no ratio is 0. */
const FACTOR = 8;
/** As much as a state word holds. */
const MAX_RATIO = 255;

export function encodeVerdict({ fault, repository, ratio }: BodyVerdict): number | string {
  const shown = ratio === undefined ? 0 : 1 + Math.min(MAX_RATIO, Math.ceil(ratio));
  const code = FAULTS.indexOf(fault) + FACTOR * shown;
  return repository === undefined ? code : `${code} ${repository}`;
}

/** The ratio comes back rounded up, 255 at most. */
export function decodeVerdict(code: number | string): BodyVerdict {
  const text = String(code);
  const space = text.indexOf(' ');
  const number = Number(space === -1 ? text : text.slice(0, space));
  const shown = Math.floor(number / FACTOR);
  return {
    fault: FAULTS[number % FACTOR],
    repository: space === -1 ? undefined : text.slice(space + 1),
    ratio: shown === 0 ? undefined : shown - 1,
  };
}
