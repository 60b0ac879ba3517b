// Loops that count: `for (let i = 0; …; i++)`, whose variable says by itself how many turns there have been.
import { assigns, type Bindings } from './bindings.ts';
import { child, nameOf, type Node } from './syntax.ts';

export interface CountedLoop {
  readonly variable: string;
  /** Added to it at the end of each turn, less than 0 where it counts down. */
  readonly step: number;
  /** Where the test is nothing but a comparison with what stays as it is: its operator, and the text of the limit. */
  readonly limit: { readonly operator: string; readonly node: Node } | undefined;
  /** Turns at most, where the text says how many; else Infinity. */
  readonly mostTurns: number;
}

const MAX_NUMBER = 2 ** 31;
const MAX_STEP = 2 ** 10;

/** @returns undefined: it does not count, or something else might give its variable a value, or make it no number */
export function countedLoop(loop: Node, bindings: Bindings): CountedLoop | undefined {
  const init = child(loop, 'init');
  const update = child(loop, 'update');
  if (init?.type !== 'VariableDeclaration' || update === undefined) return undefined;
  const [variable, step] = stepOf(update);
  const begin = variable === undefined ? undefined : beginOf(init, variable);
  if (variable === undefined || begin === undefined) return undefined;
  const test = child(loop, 'test');
  if (assigns(test, variable) || assigns(child(loop, 'body'), variable)) return undefined;
  const limit = test && limitOf(test, variable, step, bindings);
  const end = numberIn(limit?.node);
  const turns = end === undefined ? Infinity : (end - begin) / step;
  const mostTurns = Math.max(0, limit?.operator.length === 1 ? Math.ceil(turns) : Math.floor(turns) + 1);
  return { variable, step, limit, mostTurns };
}

function stepOf(update: Node): [variable: string | undefined, step: number] {
  const operator = update['operator'];
  if (update.type === 'UpdateExpression')
    return [variableIn(child(update, 'argument')), operator === '++' ? 1 : -1];
  const step = numberIn(child(update, 'right'));
  if (update.type !== 'AssignmentExpression' || (operator !== '+=' && operator !== '-='))
    return [undefined, 0];
  if (step === undefined || !Number.isInteger(step) || step < 1 || step > MAX_STEP) return [undefined, 0];
  return [variableIn(child(update, 'left')), operator === '+=' ? step : -step];
}

/** The whole number that the variable begins with, where it does. */
function beginOf(declaration: Node, variable: string): number | undefined {
  const declarators = declaration['declarations'] as readonly Node[];
  const own = declarators.filter((each) => assigns(each, variable));
  const [only] = own;
  if (own.length !== 1 || only === undefined || variableIn(child(only, 'id')) !== variable) return undefined;
  const begin = numberIn(child(only, 'init'));
  return begin !== undefined && Number.isInteger(begin) && Math.abs(begin) <= MAX_NUMBER ? begin : undefined;
}

function limitOf(test: Node, variable: string, step: number, bindings: Bindings): CountedLoop['limit'] {
  const operator = test['operator'] as string;
  const node = child(test, 'right');
  if (test.type !== 'BinaryExpression' || node === undefined) return undefined;
  if (variableIn(child(test, 'left')) !== variable) return undefined;
  if (!(step > 0 ? ['<', '<='] : ['>', '>=']).includes(operator)) return undefined;
  const name = variableIn(node);
  const stays = numberIn(node) !== undefined || (name !== undefined && bindings.isConstant(name));
  return stays ? { operator, node } : undefined;
}

function variableIn(node: Node | undefined): string | undefined {
  return node?.type === 'Identifier' ? nameOf(node) : undefined;
}

function numberIn(node: Node | undefined): number | undefined {
  if (node?.type === 'UnaryExpression' && node['operator'] === '-') {
    const value = numberIn(child(node, 'argument'));
    return value === undefined ? undefined : -value;
  }
  return node?.type === 'Literal' && typeof node['value'] === 'number' ? node['value'] : undefined;
}
