// Is this body one that may be passed on? Size of the inflated bytes, syntax, depth, and the one name in it that the gateway uses.
import { isIdentifier } from './identifier.ts';
import { inflateGuarded, type Encoding, type InflateCaps } from './inflate-guard.ts';
import { JsonScanner } from './json-scanner.ts';

export interface BodyLimits {
  /** Levels of arrays and objects. */
  readonly maxDepth: number;
  readonly inflate: InflateCaps;
}

export type BodyFault = 'malformed' | 'tooDeep' | 'badName' | 'bomb';

export interface BodyVerdict {
  /** Undefined where the body is good. */
  readonly fault: BodyFault | undefined;
  /** Name of the repository that it is about, where the body is good and has one. */
  readonly repository: string | undefined;
}

/** @param encoding of the bytes; undefined where they are plain JSON */
export async function checkBody(
  bytes: Uint8Array,
  encoding: Encoding | undefined,
  limits: BodyLimits,
): Promise<BodyVerdict> {
  const scanner = new JsonScanner(limits.maxDepth);
  if (encoding === undefined) {
    scanner.push(bytes);
    return verdict(scanner);
  }
  const { outcome } = await inflateGuarded(bytes, encoding, limits.inflate, (piece) => {
    scanner.push(piece);
  });
  switch (outcome) {
    case 'ended':
      return verdict(scanner);
    case 'corrupt':
      return { fault: 'malformed', repository: undefined };
    case 'too many bytes':
    case 'ratio too high':
    case 'too slow':
      return { fault: 'bomb', repository: undefined };
  }
}

function verdict(scanner: JsonScanner): BodyVerdict {
  const { repository } = scanner;
  const good = repository !== undefined && isIdentifier('repository', repository);
  const end = scanner.end();
  let fault: BodyFault | undefined;
  if (end === 'malformed') fault = 'malformed';
  else if (end === 'too deep') fault = 'tooDeep';
  else if (repository !== undefined && !good) fault = 'badName';
  return { fault, repository: fault === undefined ? repository : undefined };
}
