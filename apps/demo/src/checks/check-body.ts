// Is this body one that may be passed on? Size of the inflated bytes, syntax, depth, and the one name in it that the gateway uses.
import { formatOf, type CompressionGuard, type Inspection } from '@corelane/atomic-state';
import type { Encoding, InflateCaps } from './encoding.ts';
import { isIdentifier } from './identifier.ts';
import { JsonScanner } from './json-scanner.ts';

export interface BodyLimits {
  /** Levels of arrays and objects. */
  readonly maxDepth: number;
  readonly inflate: InflateCaps;
}

export type BodyFault = 'malformed' | 'tooDeep' | 'badName' | 'bomb' | 'unknownEncoding';

export interface BodyVerdict {
  /** Undefined where the body is good. */
  readonly fault: BodyFault | undefined;
  /** Name of the repository that it is about, where the body is good and has one. */
  readonly repository: string | undefined;
  /** Of what came out to what went in, where it was compressed and was let through, or was a bomb. */
  readonly ratio: number | undefined;
}

export interface CheckedBody {
  readonly verdict: BodyVerdict;
  /** Undefined where it was not compressed, and nobody said so. */
  readonly inspection: Inspection | undefined;
}

/**
 * @param encoding that the sender declared
 * @throws where nothing can be said about the body
 */
export async function checkBody(
  bytes: Uint8Array,
  encoding: Encoding | undefined,
  guard: CompressionGuard,
  maxDepth: number,
): Promise<CheckedBody> {
  const scanner = new JsonScanner(maxDepth);
  if (encoding === undefined && formatOf(bytes) === undefined) {
    scanner.push(bytes);
    return { verdict: scanned(scanner, undefined), inspection: undefined };
  }
  const inspection = await guard.inspect(bytes, {
    encoding,
    visit: (piece) => {
      scanner.push(piece);
    },
  });
  return { verdict: judged(inspection, scanner, encoding), inspection };
}

function judged(
  { outcome, ratio, reason }: Inspection,
  scanner: JsonScanner,
  encoding: Encoding | undefined,
): BodyVerdict {
  switch (outcome) {
    case 'passed':
      // Compressed and not declared is no JSON to whoever reads the headers.
      return encoding === undefined ? { ...refused('malformed'), ratio } : scanned(scanner, ratio);
    case 'too many bytes':
    case 'ratio too high':
    case 'too slow':
    case 'too many members':
    case 'window too large':
    case 'overlapping entries':
      return { ...refused('bomb'), ratio };
    case 'corrupt':
    case 'mismatched encoding':
      return refused('malformed');
    case 'unsupported':
      return refused('unknownEncoding');
    case 'busy':
    case 'plain':
      throw new Error(`the body was not inspected: ${outcome}, ${reason}`);
  }
}

function refused(fault: BodyFault): BodyVerdict {
  return { fault, repository: undefined, ratio: undefined };
}

function scanned(scanner: JsonScanner, ratio: number | undefined): BodyVerdict {
  const { repository } = scanner;
  const good = repository !== undefined && isIdentifier('repository', repository);
  const end = scanner.end();
  let fault: BodyFault | undefined;
  if (end === 'malformed') fault = 'malformed';
  else if (end === 'too deep') fault = 'tooDeep';
  else if (repository !== undefined && !good) fault = 'badName';
  return { fault, repository: fault === undefined ? repository : undefined, ratio };
}
