// What the functions of an addon take, as the package's TypeScript declares them: so that a new function is called by the fuzz pass as soon as it is
// declared, and one that is not declared is an error.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const DECLARING = /(^|\/)native(-[^/]*)?\.ts$/;
/** A method of an interface that answers a number or nothing. */
const METHOD = /^ {2}(\w+)\(([^;]*?)\): (?:number|void);$/gm;

/** `a: number, b: (c: X, d: Y) => void` at its commas, but for those inside of brackets. */
function parametersOf(list) {
  const parts = [''];
  let depth = 0;
  for (const character of list.replaceAll('=>', '⇒')) {
    if ('(<[{'.includes(character)) depth++;
    if (')>]}'.includes(character)) depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, name, type] = /^\s*(\w+)\??: (.*)$/s.exec(part);
      return { name, type: type.trim() };
    });
}

/**
 * @param {string} folder the TypeScript of a package: native.ts and native-*.ts in it
 * @returns {Record<string, { name: string, type: string }[]>} parameters by function
 */
export function declarations(folder) {
  const declared = {};
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!DECLARING.test(file)) continue;
    for (const [, name, list] of readFileSync(join(folder, file), 'utf8').matchAll(METHOD))
      declared[name] = parametersOf(list);
  }
  return declared;
}
