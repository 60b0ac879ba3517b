// What an inspection finds.
import type { Format } from './format.ts';

/** Every outcome there is. The first two let the payload pass. */
export const OUTCOMES = [
  /** Not compressed: no magic number, and no encoding declared. Nothing was inflated and no cap applies. */
  'plain',
  /** Whole, sound, and within every cap. */
  'passed',
  /** More than `maxBytes` come out. */
  'too many bytes',
  /** More than `maxRatio` bytes come out for each byte that went in. */
  'ratio too high',
  /** Not done after `maxMs`. */
  'too slow',
  /** More than `maxMembers` members, frames, streams or entries. */
  'too many members',
  /** Inflating it takes a window of more than `maxWindowBytes`: a bomb by memory. */
  'window too large',
  /** Entries of a zip share bytes, so that each of them is inflated more than once. */
  'overlapping entries',
  /** Truncated, a wrong checksum, something behind its end, or otherwise not what its format is. */
  'corrupt',
  /** The declared encoding is not what the first bytes say. */
  'mismatched encoding',
  /** Cannot be inspected here or not by these options: encrypted, an unknown method, a format that is not in `formats`. */
  'unsupported',
  /** Not inspected: `maxWaiting` others wait already, or its turn did not come within `maxMs`. Says nothing about the payload. */
  'busy',
] as const;

export type Outcome = (typeof OUTCOMES)[number];
/** Outcomes that do not let the payload pass. */
export type Refused = Exclude<Outcome, 'plain' | 'passed'>;

/** True where the payload may go on. Every other outcome refuses it. */
export function isPassed(outcome: Outcome): outcome is 'plain' | 'passed' {
  return outcome === 'plain' || outcome === 'passed';
}

/** True where the payload would have cost its receiver more than a cap allows. */
export function isBomb(outcome: Outcome): boolean {
  switch (outcome) {
    case 'too many bytes':
    case 'ratio too high':
    case 'too slow':
    case 'too many members':
    case 'window too large':
    case 'overlapping entries':
      return true;
    case 'plain':
    case 'passed':
    case 'corrupt':
    case 'mismatched encoding':
    case 'unsupported':
    case 'busy':
      return false;
  }
}

export interface Inspection {
  /** What it was inspected as; undefined where it is plain. */
  readonly format: Format | undefined;
  readonly outcome: Outcome;
  /** What was found and what was expected, in words, where it was refused. */
  readonly reason: string | undefined;
  /** Bytes of the payload. */
  readonly bytesIn: number;
  /** Bytes that came out until the end or until a cap ended it, all layers together. A stored entry of a zip counts as it is. */
  readonly bytesOut: number;
  /** bytesOut / bytesIn: of a refused payload a lower bound. 0 where nothing was inflated. */
  readonly ratio: number;
  /** Members of a gzip, frames of a zstd, streams of an xz, entries of a zip, all layers together; 1 for the others. */
  readonly members: number;
  /** Layers that were inflated: 1, unless `maxDepth` allows more. */
  readonly depth: number;
  /** The format of something inside that lies deeper than `maxDepth` and was not inspected. */
  readonly nested: Format | undefined;
  /** Milliseconds, with waiting for a turn. */
  readonly elapsedMs: number;
}

/** Why a payload does not pass. */
export interface Refusal {
  readonly outcome: Refused;
  readonly reason: string;
}
