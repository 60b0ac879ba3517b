// node:v8, loaded when it is needed first: it brings streams with it, which every thread would pay at its start.
import type * as V8 from 'node:v8';

let loaded: typeof V8 | undefined;

export function nodeV8(): typeof V8 {
  return (loaded ??= process.getBuiltinModule('node:v8'));
}
