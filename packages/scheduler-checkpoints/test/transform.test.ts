// What is written, what is left alone, and what is refused.
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import { expect, test } from 'vitest';
import { CheckpointsOptionError, CheckpointsSyntaxError, transform } from '../src/index.ts';
import { transformIn } from '../src/transform.ts';
import { countLooks, evaluate } from './evaluate.ts';

const LOOP = 'while (f()) g();';

test.each([
  ['x.js', 'export const f = () => 1; while (f()) f();'],
  ['x.mjs', 'await f(); while (f()) f();'],
  ['x.cjs', "'use strict'; return; while (f()) f();"],
  ['x.js', 'return; while (f()) f();'],
  ['x.js', 'with (a) { while (f()) f(); }'],
  ['x.jsx', 'const a = <b c={() => { while (f()) f(); }} />;'],
  ['x.ts', 'const a = <T,>(b: T): T => { while (f()) f(); return b!; }; namespace N { while (f()) f(); }'],
  ['x.tsx', 'const a: JSX.Element = <b c={() => { while (f()) f(); }} />;'],
  ['x.mts', 'declare const a: string; enum E { A } while (f()) f<E>();'],
  [
    'x.cts',
    'import a = require("a"); abstract class B { abstract c(): void; d(): void { while (a()) a(); } }',
  ],
])('%s: %s', (filename, code) => {
  const { loops, code: changed } = transform(code, { filename });
  expect(loops).toBeGreaterThan(0);
  // Still that language: it is parsed again.
  expect(transform(changed.replaceAll('globalThis', 'global'), { filename }).loops).toBeGreaterThan(0);
});

test('what was here before stays as it is', () => {
  const { code } = transform(LOOP, { filename: 'x.js' });
  expect(transform(code, { filename: 'x.js' })).toMatchObject({ code, map: undefined, loops: 0 });
});

test('hashbang, directives and leading comments stay in front', () => {
  const code = `#!/usr/bin/env node\n/* licence */\n'use strict';\n// first\n${LOOP}`;
  expect(transform(code, { filename: 'x.cjs' }).code).toMatch(
    /^#!\/usr\/bin\/env node\n\/\* licence \*\/\n'use strict';\n\/\/ first\nvar \$checkpoint/,
  );
});

test('a directive of a function stays one, with and without a semicolon', () => {
  for (const end of [';', '']) {
    const code = `function f(n) { 'use strict'${end}\n return this === undefined && (n === 0 || f(n - 1)); } module.exports = { f };`;
    const changed = transform(code, { filename: 'x.cjs' });
    expect(changed.functions).toBe(1);
    const { f } = evaluate(changed.code);
    expect(f(3)).toBe(true);
  }
});

test.each([
  ['/* no checkpoints */ while (f()) g();', 0],
  ['// no checkpoints\nfor (;;) for (;;) g();', 0],
  ['/* no checkpoints */ /* because */ export function a() { while (f()) a(); } while (f()) g();', 1],
  ['const a = /* no checkpoints */ () => { while (f()) a(); };', 0],
  ['while (f()) { /* no checkpoints */ while (f()) g(); }', 1],
  ['while (f()) g(); /* no checkpoints: file */', 0],
  ['/* these are no checkpoints */ while (f()) g();', 1],
])('%s', (code, loops) => {
  expect(transform(code, { filename: 'x.mjs' })).toMatchObject({ loops, functions: 0 });
});

test('a loop around one that is left alone is not made two', () => {
  const code =
    'let n = 0; while (n < 9) { /* no checkpoints */ while (n < 5) n++; n++; } module.exports = { n };';
  expect(evaluate(transformIn(1, code, { filename: 'x.cjs' }).code)['n']).toBe(9);
  expect(transform(code, { filename: 'x.cjs' }).code).toContain('while (n < 9) {');
});

test('a for await has none: it goes back to the event loop by itself', () => {
  const code = 'for await (const a of b) { c(a); }';
  expect(transform(code, { filename: 'x.mjs' })).toMatchObject({ code, loops: 0 });
});

test.each([
  ['for (let i = 0; i < 1024; i++) a += i;', 0],
  ['for (let i = 0; i < 1025; i++) a += i;', 1],
  ['for (let i = 0; i <= 1024; i++) a += i;', 1],
  ['for (let i = 2000; i > 0; i -= 2) a += i;', 0],
  ['for (let i = 0; i < 0; i++) a += i;', 0],
  ['for (let i = 5; i < 3; i++) a += i;', 0],
  ['for (let i = 0; i < 3; i++) { i = a; }', 1],
  ['for (let i = 0; i < 3; i++) a();', 1],
  ['for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) a += j;', 1],
])('what the text says to be short has none: %s', (code, loops) => {
  expect(transform(code, { filename: 'x.js' }).loops).toBe(loops);
});

test('names that a file has are not taken', () => {
  const code = `const $checkpointsLeft = 1, $checkpoint2 = 2; ${LOOP}`;
  expect(transform(code, { filename: 'x.js' }).code).toContain('$checkpoint3sLeft');
});

test.each([
  "const r = []; for (let i = 0; i < 3; i++) r.push(eval('() => i')); module.exports = { out: r.map((f) => f()) };",
  'function f(n) { let c = 0; for (let i = 0; i < n; i++) { c += 1; arguments[0] -= 1; } return c; } module.exports = { out: f(10) };',
  "function f(n) { let c = 0; for (let i = 0; i < n; i++) { c++; if (c < 4) eval('n = 3'); } return c; } module.exports = { out: f(10) };",
  'const o = { n: 9 }; let c = 0; with (o) { var n; for (let i = 0; i < n; i++) { o.n = 4; c++; } } module.exports = { out: c };',
])('what gives variables values without naming them is no reason to take them for constant: %s', (code) => {
  for (const turns of [2, 4, 1024])
    expect(evaluate(transformIn(turns, code, { filename: 'x.cjs' }).code)['out']).toEqual(
      evaluate(code)['out'],
    );
});

test('labels of a function have nothing to do with those around it', () => {
  const code = `
    const out = [];
    a: while (out.length < 20) {
      (() => { let i = 0; a: for (; i < 5; i++) { if (i % 2) continue a; out[out.length] = i; } out[out.length] = 'e'; })();
      continue a;
    }
    module.exports = { out };`;
  expect(evaluate(transformIn(1, code, { filename: 'x.cjs' }).code)['out']).toEqual(evaluate(code)['out']);
});

test('a function that is called before its module is evaluated does not look', () => {
  const code =
    'module.exports = f(9); function f(n) { let s = 0; for (let i = 0; i < n; i++) { s += g(i); } return { s }; } function g(i) { return i; }';
  const { code: changed } = transform(code, { filename: 'x.cjs' });
  // As where modules import each other in a circle.
  const early = changed.replace(/var \$checkpointsLeft = 0/, (text) => `module.exports = f(9); ${text}`);
  expect(evaluate(early)['s']).toBe(36);
});

test('constructors of classes that extend another one have none', () => {
  const code =
    'class A extends B { constructor(n) { super(); if (n) new A(n - 1); } } class C { constructor(n) { if (n) new C(n - 1); } }';
  expect(transform(code, { filename: 'x.js', functions: 'all' }).functions).toBe(1);
});

test('looks come as often as turns say: each for one that calls, 16 of them for 1024 that do not', () => {
  const run = (body: string): number =>
    countLooks(() => {
      evaluate(
        transform(`const g = () => 1; let n = 0; for (let i = 0; i < 65536; i++) { ${body} }`, {
          filename: 'x.cjs',
        }).code,
      );
    }, 64);
  expect(run('n += g();')).toBe(1024);
  expect(run('n += i;')).toBeGreaterThanOrEqual(13);
  expect(run('n += i;')).toBeLessThanOrEqual(16);
});

test('a position after the change leads to the one before', () => {
  const code =
    'let a = 0;\nfor (const x of y) {\n  a += x;\n  if (a > 5)\n    throw new Error("here");\n}\nfor (;;)\n  f(a);\n';
  const { code: changed, map } = transform(code, { filename: 'x.ts' });
  const trace = new TraceMap(JSON.parse(String(map)));
  for (const text of ['throw new', 'f(a)', 'a += x']) {
    const lines = changed.split('\n');
    const line = lines.findIndex((each) => each.includes(text));
    const column = lines[line]?.indexOf(text) as number;
    const original = code.split('\n').findIndex((each) => each.includes(text));
    expect(originalPositionFor(trace, { line: line + 1, column })).toMatchObject({
      source: 'x.ts',
      line: original + 1,
      column: code.split('\n')[original]?.indexOf(text),
    });
  }
});

test('what is no JavaScript is refused, with its place', () => {
  expect(() => transform('// 😀 é\nlet a = ;', { filename: 'x.js' })).toThrow(CheckpointsSyntaxError);
  try {
    transform('// 😀 é\nlet a = ;', { filename: 'x.js' });
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINTS_SYNTAX', filename: 'x.js', line: 2, column: 8 });
  }
  expect(() => transform('let a: string', { filename: 'x.js' })).toThrow(/x.js:1:/);
});

test.each([
  [{ filename: 'x.js', functions: 'some' }, /functions is "some", expected one of none, recursive, all/],
  [{ filename: '' }, /filename is "", expected the path of the file/],
  [{ filename: 'x.js', function: 'all' }, /options is "function", expected functions, filename/],
])('options that mean nothing are refused: %o', (options, message) => {
  expect(() => transform(LOOP, options as never)).toThrow(message);
  expect(() => transform(LOOP, options as never)).toThrow(CheckpointsOptionError);
});
