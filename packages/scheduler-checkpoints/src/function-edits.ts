// Puts checkpoints at the start of functions.
import type MagicString from 'magic-string';
import type { Names } from './names.ts';
import type { FunctionEntries } from './options.ts';
import { recursiveNames } from './recursion.ts';
import type { FunctionSite } from './survey.ts';
import { child, type Node } from './syntax.ts';

/** @returns how many */
export function addFunctionEntries(
  text: MagicString,
  names: Names,
  functions: readonly FunctionSite[],
  entries: FunctionEntries,
): number {
  const chosen = choose(functions, entries);
  const { left, look } = names;
  for (const { node } of chosen) {
    const body = child(node, 'body');
    if (body === undefined) continue;
    if (body.type === 'BlockStatement')
      text.appendRight(afterDirectives(body), `; if (--${left} < 0) ${left} = ${look}();`);
    else {
      text.appendRight(body.start, `(--${left} < 0 && (${left} = ${look}()), `);
      text.prependLeft(body.end, ')');
    }
  }
  return chosen.length;
}

function choose(functions: readonly FunctionSite[], entries: FunctionEntries): readonly FunctionSite[] {
  if (entries === 'none') return [];
  const able = functions.filter(({ node, isDerived }) => child(node, 'body') !== undefined && !isDerived);
  if (entries === 'all') return able;
  const names = recursiveNames(functions);
  return able.filter(({ name }) => name !== undefined && names.has(name));
}

/** Where the statements of a body begin that are no directives. */
function afterDirectives(body: Node): number {
  const statements = body['body'] as readonly Node[];
  const directive = statements.findLast((each) => typeof each['directive'] === 'string');
  return directive === undefined ? body.start + 1 : directive.end;
}
