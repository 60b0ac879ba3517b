// A file as a tree: the parser, and what this package asks of its nodes.
//
// oxc-parser, because it follows TypeScript and ECMAScript within weeks, has ESTree nodes with UTF-16 offsets for both, and is what rolldown and vite stand on: a bundler that uses
// this plugin mostly has it already. Pinned: before its version 1 each release may change nodes. Rejected: acorn (TypeScript by a plugin that is behind), TypeScript itself (tsc 7 has no API),
// @babel/parser (five times as slow, its own node types).
import { parseSync, visitorKeys, type Comment, type ParseResult } from 'oxc-parser';
import { CheckpointsSyntaxError } from './errors.ts';

/** Of ESTree. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface SourceFile {
  readonly program: Node;
  readonly comments: readonly Comment[];
}

/** @throws CheckpointsSyntaxError */
export function parse(code: string, filename: string): SourceFile {
  const [, kind = '', extension = 'js'] = /\.([cm]?)([jt]sx?)$/.exec(filename) ?? [];
  // JSX in .js files is common, and nothing else looks like it there.
  const lang = extension.startsWith('t') ? (extension as 'ts' | 'tsx') : 'jsx';
  const types = kind === 'm' ? (['module'] as const) : kind === 'c' ? (['commonjs'] as const) : UNKNOWN;
  let failure: ParseResult | undefined;
  for (const sourceType of types) {
    const result = parseSync(filename, code, { lang, sourceType });
    if (!result.errors.some(isError))
      return { program: result.program as unknown as Node, comments: result.comments };
    failure ??= result;
  }
  const [error] = failure?.errors.filter(isError) ?? [];
  const at = error?.labels[0]?.start ?? 0;
  const before = code.slice(0, at);
  const line = before.split('\n').length;
  throw new CheckpointsSyntaxError(filename, line, at - before.lastIndexOf('\n') - 1, error?.message ?? '');
}

/** The second one for a `return` beside all functions. */
const UNKNOWN = ['unambiguous', 'commonjs'] as const;

function isError({ severity }: { readonly severity: string }): boolean {
  return severity === 'Error';
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string';
}

/** The node under a key, or undefined. */
export function child(node: Node, key: string): Node | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

/** All nodes right below, in the order of evaluation but for `for` loops. */
export function* children(node: Node): Generator<Node> {
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const each of value as readonly unknown[]) if (isNode(each)) yield each;
    } else if (isNode(value)) yield value;
  }
}

/** What a name or a key that is not computed says, or undefined. */
export function nameOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return node['name'] as string;
  return node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined;
}

/** Of the object's property that is called or assigned to, or of the variable: as far as the text says. */
export function targetName(node: Node | undefined): string | undefined {
  let target = node;
  while (target !== undefined && WRAPPERS.has(target.type)) target = child(target, 'expression');
  if (target?.type !== 'MemberExpression') return nameOf(target);
  const property = child(target, 'property');
  return target['computed'] === true && property?.type !== 'Literal' ? undefined : nameOf(property);
}

const WRAPPERS: ReadonlySet<string> = new Set([
  'ParenthesizedExpression',
  'ChainExpression',
  'TSNonNullExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
]);
