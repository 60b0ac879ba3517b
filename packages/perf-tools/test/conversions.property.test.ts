import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutFlameGraph } from '../src/profiles/flame-graph.ts';
import {
  callTree,
  checkCpuProfile,
  mergeProfiles,
  toSpeedscope,
  type CallTree,
  type CpuProfile,
  type NamedProfile,
} from '../src/profiles/index.ts';

const schemaFile = createRequire(import.meta.url).resolve('speedscope/dist/release/file-format-schema.json');
const isSpeedscope: ValidateFunction = new Ajv({ strict: false }).compile(
  JSON.parse(readFileSync(schemaFile, 'utf8')) as object,
);

const NAMES = ['a', 'b', 'c', '(idle)', '(program)', ''];

/** A tree by the parent of each node, samples anywhere in it, now and then one that came late. */
const anyProfile = fc
  .record({
    parents: fc.array(fc.nat(), { maxLength: 20 }),
    names: fc.array(fc.constantFrom(...NAMES), { minLength: 20, maxLength: 20 }),
    samples: fc.array(fc.record({ node: fc.nat(), delta: fc.integer({ min: -30, max: 200 }) }), {
      maxLength: 40,
    }),
    tail: fc.integer({ min: 0, max: 50 }),
  })
  .map(({ parents, names, samples, tail }): CpuProfile => {
    const nodes = [{ id: 1, name: '(root)', children: [] as number[] }];
    parents.forEach((parent, i) => {
      const id = nodes.push({ id: nodes.length + 1, name: names[i] as string, children: [] });
      nodes[parent % (id - 1)]?.children.push(id);
    });
    let at = 1000;
    let end = at;
    for (const { delta } of samples) end = Math.max(end, (at += delta));
    return checkCpuProfile({
      nodes: nodes.map(({ id, name, children }) => ({
        id,
        children,
        callFrame: {
          functionName: name,
          scriptId: '1',
          url: name.startsWith('(') ? '' : 'file:///app/x.js',
          lineNumber: name === 'c' ? -1 : 3,
          columnNumber: 1,
        },
      })),
      startTime: 1000,
      endTime: end + tail,
      samples: samples.map(({ node }) => (node % nodes.length) + 1),
      timeDeltas: samples.map(({ delta }) => delta),
    });
  });
const threads = fc
  .array(anyProfile, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((each, i): NamedProfile => ({ name: `worker ${i}`, profile: each })));

/** Microseconds by stack, straight from the definition: a sample holds until the next one. */
function reference({
  profile: { nodes, samples, timeDeltas, startTime, endTime },
}: NamedProfile): Map<string, number> {
  const parentOf = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const stackOf = (id: number): string => {
    const parent = parentOf.get(id);
    return parent === undefined ? '' : `${stackOf(parent)}/${nameOf.get(id)}`;
  };
  let at = startTime;
  const timed = samples.map((id, i) => ({ id, at: (at += timeDeltas[i] as number) }));
  timed.sort((a, b) => a.at - b.at);
  const times = new Map<string, number>();
  timed.forEach((sample, i) => add(times, stackOf(sample.id), (timed[i + 1]?.at ?? endTime) - sample.at));
  return times;
}

function add(times: Map<string, number>, stack: string, us: number): void {
  if (us > 0) times.set(stack, (times.get(stack) ?? 0) + us);
}

function sum(...all: readonly Map<string, number>[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const times of all) for (const [stack, us] of times) add(total, stack, us);
  return total;
}

function timesOf(tree: CallTree, stack = '', times = new Map<string, number>()): Map<string, number> {
  add(times, stack, tree.selfUs);
  for (const child of tree.children) timesOf(child, `${stack}/${child.functionName}`, times);
  return times;
}

describe('whatever the profiles are,', () => {
  test('the call tree has every stack’s time, once', () => {
    fc.assert(
      fc.property(threads, (all) => {
        expect(timesOf(callTree(all, { byThread: false }))).toEqual(sum(...all.map(reference)));
        const byThread = callTree(all, { byThread: true });
        for (const each of all) {
          const child = byThread.children.find(({ functionName }) => functionName === each.name);
          expect(child === undefined ? new Map() : timesOf(child)).toEqual(reference(each));
        }
      }),
    );
  });

  test('a merged profile is one that has the sums, and its merger is itself', () => {
    fc.assert(
      fc.property(threads, fc.boolean(), (all, byThread) => {
        const profile = checkCpuProfile(mergeProfiles(all, { byThread }));
        const merged = { name: 'all', profile };
        expect(timesOf(callTree(merged))).toEqual(timesOf(callTree(all, { byThread })));
        expect(profile.nodes.reduce((hits, node) => hits + (node.hitCount ?? 0), 0)).toBe(
          profile.samples.length,
        );
        expect(timesOf(callTree({ name: 'again', profile: mergeProfiles(merged) }))).toEqual(
          timesOf(callTree(merged)),
        );
      }),
    );
  });

  test('a speedscope file is one by its schema, with every stack’s time but the idle frames', () => {
    fc.assert(
      fc.property(threads, (all) => {
        const file = toSpeedscope(all, { name: 'test' });
        isSpeedscope(JSON.parse(JSON.stringify(file)));
        expect(isSpeedscope.errors).toBeNull();
        const { frames } = file.shared;
        file.profiles.forEach(({ samples, weights, endValue, name }, i) => {
          expect(name).toBe(all[i]?.name);
          expect(weights).toHaveLength(samples.length);
          expect(endValue).toBe(weights.reduce((a, b) => a + b, 0));
          const times = new Map<string, number>();
          samples.forEach((stack, at) => {
            const names = stack.map((index) => frames[index]?.name);
            add(times, names.map((each) => `/${each}`).join(''), weights[at] as number);
          });
          const expected = new Map<string, number>();
          for (const [stack, us] of reference(all[i] as NamedProfile))
            add(expected, stack.replaceAll('/(idle)', '').replaceAll(/\/(?=\/|$)/g, '/(anonymous)'), us);
          expect(times).toEqual(expected);
        });
        expect(new Set(frames.map((frame) => JSON.stringify(frame))).size).toBe(frames.length);
      }),
    );
  });

  test('a flame graph’s boxes lie within their callers, side by side, as wide as their time', () => {
    fc.assert(
      fc.property(threads, fc.boolean(), (all, idle) => {
        const { boxes, totalUs, hidden } = layoutFlameGraph(all, { idle });
        expect(hidden).toBe(0);
        const place = new Map(boxes.map((box) => [box.node, box]));
        for (const box of boxes) {
          expect(box.width * totalUs).toBeCloseTo(box.totalUs, 6);
          const inside = box.node.children.flatMap((child) => place.get(child) ?? []);
          inside.sort((a, b) => a.x - b.x);
          let x = box.x;
          for (const child of inside) {
            expect(child.depth).toBe(box.depth + 1);
            expect(child.x).toBeGreaterThanOrEqual(x - 1e-9);
            x = child.x + child.width;
          }
          expect(x).toBeLessThanOrEqual(box.x + box.width + 1e-9);
          if (!idle) expect(box.node.functionName === '(idle)' && box.node.children.length === 0).toBe(false);
        }
        const self = [...sum(...all.map(reference))].filter(([stack]) => idle || !stack.endsWith('/(idle)'));
        expect(totalUs).toBe(self.reduce((us, [, each]) => us + each, 0));
      }),
    );
  });
});

test('a stack deeper than ours is no problem', () => {
  const depth = 50_000;
  const nodes = Array.from({ length: depth }, (_, i) => ({
    id: i + 1,
    callFrame: { functionName: `f${i % 7}`, scriptId: '1', url: '', lineNumber: 0, columnNumber: 0 },
    children: i + 1 < depth ? [i + 2] : [],
  }));
  const deep = checkCpuProfile({ nodes, startTime: 0, endTime: 10, samples: [depth], timeDeltas: [0] });
  const named = { name: 'deep', profile: deep };
  expect(callTree(named).totalUs).toBe(10);
  expect(mergeProfiles(named).nodes).toHaveLength(depth);
  expect(toSpeedscope(named).profiles[0]?.samples[0]).toHaveLength(depth - 1);
  expect(layoutFlameGraph(named).depth).toBe(depth);
});

test('stacks that a speedscope file would write by the gigabyte are refused', () => {
  const depth = 12_000;
  const nodes = Array.from({ length: depth }, (_, i) => ({
    id: i + 1,
    callFrame: { functionName: 'f', scriptId: '1', url: '', lineNumber: 0, columnNumber: 0 },
    children: i + 1 < depth ? [i + 2] : [],
  }));
  const samples = nodes.map(({ id }) => id).toReversed();
  const profile = { nodes, startTime: 0, endTime: depth, samples, timeDeltas: samples.map(() => 1) };
  expect(() => toSpeedscope({ name: 'deep', profile })).toThrow('expected at most 50000000');
  expect(callTree({ name: 'deep', profile }).totalUs).toBe(depth - 1);
});

test('frames of a speedscope file have lines and columns from 1, and none where there are none', () => {
  const frame = (
    functionName: string,
    url: string,
    at: number,
  ): CpuProfile['nodes'][number]['callFrame'] => ({
    ...{ functionName, scriptId: '1', url, lineNumber: at, columnNumber: at },
  });
  const nodes = [
    { id: 1, callFrame: frame('(root)', '', -1), children: [2] },
    { id: 2, callFrame: frame('f', 'file:///f.js', 0), children: [3] },
    { id: 3, callFrame: frame('', '', -1) },
  ];
  const profile = checkCpuProfile({ nodes, startTime: 0, endTime: 5, samples: [3], timeDeltas: [1] });
  const file = toSpeedscope({ name: 'main', profile });
  expect(file.shared.frames).toEqual([
    { name: '(anonymous)' },
    { name: 'f', file: 'file:///f.js', line: 1, col: 1 },
  ]);
  expect(file.profiles[0]).toMatchObject({ samples: [[1, 0]], weights: [4], startValue: 0, endValue: 4 });
});
