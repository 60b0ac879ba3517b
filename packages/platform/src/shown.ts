/** How messages show what came in. */
import { inspect } from 'node:util';

const LONGEST = 60;

/** Any value, in short, as `"abc"`, `3`, `5n` or `[ 1 ]`. Never throws, and runs no code of the value's own. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return cut(JSON.stringify(value));
  if (typeof value === 'number') return String(value); // -0 is 0 to whoever reads it
  return cut(
    inspect(value, {
      depth: 0,
      customInspect: false,
      compact: true,
      breakLength: Infinity,
      maxArrayLength: 8,
    }),
  );
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
