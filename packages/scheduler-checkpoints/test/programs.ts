// Programs with loops of all kinds, made at random: each ends, and tells in `trace` what it did, in which order.
import fc from 'fast-check';

/** What a program is made of where it is in so many loops. */
interface Place {
  readonly loops: number;
  readonly inSwitch: boolean;
  readonly canContinue: boolean;
}

const VARIABLES = ['a', 'b', 'c'];

function expression(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...VARIABLES),
    fc.integer({ min: -3, max: 9 }).map(String),
    fc.constantFrom('trace.length', "'xyz'.charCodeAt(a & 1)", 'Math.abs(b)', '(a + b) % 7', 'list[c & 3]'),
  );
}

function condition(): fc.Arbitrary<string> {
  return fc
    .tuple(expression(), fc.constantFrom('<', '>', '<=', '!==', '%'), expression())
    .map(([left, operator, right]) => `(${left} ${operator} ${right})`);
}

function jump(place: Place): fc.Arbitrary<string> {
  const jumps = ['a++;', 'return a;'];
  if (place.loops > 0) {
    jumps.push('break;');
    if (place.canContinue) jumps.push('continue;');
    for (let i = 0; i < place.loops; i++) jumps.push(`break L${i};`, `continue L${i};`);
  }
  if (place.inSwitch) jumps.push('break;');
  return fc
    .tuple(condition(), fc.constantFrom(...jumps), condition())
    .map(([test, text, other]) => `if (${test} && ${other}) { ${text} }`);
}

function simple(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(fc.constantFrom(...VARIABLES), expression()).map(([to, from]) => `${to} = ${from};`),
    expression().map((value) => `trace[trace.length] = ${value};`),
    expression().map((value) => `note(${value});`),
    fc.constant('thunks.push(() => a + b);'),
    fc.constant('thunks[thunks.length] = () => a;'),
    fc.constant('a++'),
  );
}

/** Each test burns fuel, so that all loops end. */
function loop(place: Place, depth: number): fc.Arbitrary<string> {
  const label = `L${place.loops}`;
  const body = block({ loops: place.loops + 1, inSwitch: false, canContinue: true }, depth - 1);
  const limit = fc.constantFrom('n', '5', 'm', 'list.length', 'a', '2');
  const head = fc.oneof(
    fc.tuple(limit, fc.constantFrom('i++', '++i', 'i += 2', 'i += 1, b++')).map(
      ([most, step]) =>
        (text: string) =>
          `for (let i = 0; i < ${most}; ${step}) { if (burn > 999) break; burn++; trace[trace.length] = i; ${text} }`,
    ),
    fc.tuple(limit, condition()).map(
      ([most, other]) =>
        (text: string) =>
          `for (let i = -2; i <= ${most} && ${other}; i++) { if (burn++ > 999) break; trace[trace.length] = i; ${text} }`,
    ),
    fc.constant(
      (text: string) =>
        `for (let i = 7; i > 0; i--) { trace[trace.length] = i; if (burn++ > 999) break; ${text} }`,
    ),
    fc.constant(
      (text: string) =>
        `for (let i = 4, j = 0; i >= 0; i -= 1) { j += i; trace[trace.length] = j; if (burn++ > 999) break; ${text} }`,
    ),
    fc.constant((text: string) => `for (var v = 0; v < 6; v += 3) { if (burn++ > 999) break; ${text} }`),
    fc.constant(
      (text: string) =>
        `for (let i = 0; i < 6; i++) { i += 1; trace[trace.length] = i; if (burn++ > 999) break; ${text} }`,
    ),
    fc.constant(
      (text: string) =>
        `for (let i = 0; i < 4; i++) { thunks[thunks.length] = () => i; if (burn++ > 999) break; ${text} }`,
    ),
    fc.constant(
      (text: string) =>
        `for (let i = 0; ; i++) { if (i > 5 || burn++ > 999) break; trace[trace.length] = i; ${text} }`,
    ),
    fc.constant((text: string) => `for (;;) { if (burn++ > 30) break; ${text} }`),
    fc.constant((text: string) => `for (; burn++ < 40; ) { ${text} }`),
    condition().map((test) => (text: string) => `while (burn++ < 60 && ${test}) { ${text} }`),
    fc.constant((text: string) => `while (burn++ < 50) { ${text} }`),
    condition().map((test) => (text: string) => `do { ${text} } while (burn++ < 60 && ${test});`),
    fc.constant((text: string) => `for (const x of list) { trace[trace.length] = x; ${text} }`),
    fc.constant((text: string) => `for (const [k, x] of map) { trace[trace.length] = k + x; ${text} }`),
    fc.constant((text: string) => `for (const k in object) { trace[trace.length] = k; ${text} }`),
  );
  const plain = fc.constantFrom(
    'for (let i = 0; i < list.length; i++) trace[trace.length] = list[i]',
    'for (let i = 0; i < n; i++) a += i',
    'for (let i = 9; i >= 2; i -= 3) a += i',
    'while (burn++ < 20) b++',
    'do a++; while (burn++ < 9)',
    'for (const x of list) b += x',
    'for (const k in object) for (const x of list) trace[trace.length] = k + x',
    'for (let i = 0; i < 3; i++) for (let j = 0; j < i; j++) a += j',
    'for (let i = 0; i < 9; i++)',
    'while (burn++ < 25 && next())',
    'for (let i = 0; i < 5; i++) thunks[thunks.length] = () => i',
    'for (let i = 0; i < a; i++) if (burn++ > 9) a -= 3; else trace[trace.length] = i',
  );
  const open = fc.constantFrom(
    'for (let i = 0; i < n; i++) a += i',
    'while (burn++ < 20) b++',
    'for (const x of list) b += x',
    'do a++; while (burn++ < 9)',
    'do { b++ } while (burn++ < 9)',
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(head, body).map(([make, text]) => `${label}: ${make(text)}`) },
    { weight: 1, arbitrary: plain.map((text) => `${text};`) },
    { weight: 1, arbitrary: open.map((text) => `{ ${text} }`) },
    {
      weight: 1,
      arbitrary: fc.tuple(condition(), plain).map(([test, text]) => `if (${test}) ${text}; else a--;`),
    },
  );
}

function statement(place: Place, depth: number): fc.Arbitrary<string> {
  if (depth === 0) return fc.oneof(simple(), jump(place));
  return fc.oneof(
    { weight: 3, arbitrary: simple() },
    { weight: 2, arbitrary: jump(place) },
    { weight: 4, arbitrary: loop(place, depth) },
    {
      weight: 1,
      arbitrary: block(place, depth - 1).map((text) => `try { ${text} } finally { trace.push('f'); }`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(expression(), block({ ...place, inSwitch: true }, depth - 1))
        .map(([of, text]) => `switch (${of}) { case 1: ${text} break; default: b++; }`),
    },
    {
      weight: 1,
      arbitrary: block({ loops: 0, inSwitch: false, canContinue: false }, depth - 1).map(
        (text) => `(() => { ${text} })();`,
      ),
    },
    {
      weight: 1,
      arbitrary: block({ loops: 0, inSwitch: false, canContinue: false }, depth - 1).map(
        (text) => `for (const y of (function* () { ${text} yield a; yield b; })()) note(y);`,
      ),
    },
  );
}

function block(place: Place, depth: number): fc.Arbitrary<string> {
  return fc
    .array(statement(place, depth), { minLength: 1, maxLength: 3 })
    .map((statements) => statements.map((each) => (each.endsWith('a++') ? `${each};` : each)).join('\n'));
}

/** Text of CommonJS that exports `run(n)`, which returns the trace. */
export const programs: fc.Arbitrary<string> = block({ loops: 0, inSwitch: false, canContinue: false }, 3).map(
  (text) => `
'use strict';
function run(n) {
  const trace = [], thunks = [], list = [3, 1, 2], map = new Map([['p', 1], ['q', 2]]), object = { r: 1, s: 2 };
  const m = 6;
  let a = 1, b = 2, c = 0, burn = 0;
  const note = (value) => void trace.push(['note', value]);
  const next = () => (trace.push('next'), trace.length % 3 !== 0);
  const main = () => { ${text} };
  let result;
  try { result = main(); } catch (error) { result = error.name; }
  for (const thunk of thunks) trace.push(thunk());
  return { trace, result, a, b, c, burn };
}
module.exports = { run };
`,
);
