import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  callTree,
  checkCpuProfile,
  mergeProfiles,
  ProfileFormatError,
  toFlameGraphSvg,
  toSpeedscope,
  type CpuProfile,
  type NamedProfile,
  type Profiles,
} from '../src/profiles/index.ts';

const frame = { functionName: 'f', scriptId: '1', url: 'file:///f.js', lineNumber: 0, columnNumber: 0 };
const node = (id: number, children: number[] = []): object => ({
  id,
  callFrame: frame,
  hitCount: 1,
  children,
});
const profile = (over: object = {}): object => ({
  nodes: [node(1, [2, 3]), node(2), node(3)],
  startTime: 10,
  endTime: 30,
  samples: [2, 3],
  timeDeltas: [5, 10],
  ...over,
});

describe('a CPU profile', () => {
  test('of the right form is taken as it is', () => {
    const value = profile();
    expect(checkCpuProfile(value)).toBe(value);
  });

  test.each([
    ['profile', 7],
    ['profile', [1]],
    ['nodes', profile({ nodes: 1 })],
    ['nodes', profile({ nodes: [], samples: [], timeDeltas: [] })],
    ['nodes[0].callFrame', profile({ nodes: [{ id: 1 }] })],
    ['nodes[1].callFrame.url', profile({ nodes: [node(1), { id: 2, callFrame: { ...frame, url: 1 } }] })],
    ['nodes[1].id', profile({ nodes: [node(1, [2]), node(1)] })],
    ['nodes[0].children[0]', profile({ nodes: [node(1, [9])] })],
    ['nodes[1].children[0]', profile({ nodes: [node(1, [2]), node(2, [1])] })],
    ['nodes[0].children[1]', profile({ nodes: [node(1, [2, 2]), node(2)] })],
    ['nodes[2]', profile({ nodes: [node(1, [2]), node(2), node(3)] })],
    ['endTime', profile({ endTime: 9 })],
    ['startTime', profile({ startTime: Number.NaN })],
    ['endTime', profile({ endTime: 1e300 })],
    ['timeDeltas[1]', profile({ timeDeltas: [1, -1e300] })],
    ['samples[1]', profile({ samples: [2, 4] })],
    ['timeDeltas', profile({ timeDeltas: [1] })],
    ['timeDeltas[0]', profile({ timeDeltas: ['1', 2] })],
  ])('says what is wrong at %s', (path, value) => {
    const error = catchError(() => checkCpuProfile(value));
    expect(error).toBeInstanceOf(ProfileFormatError);
    expect(error).toMatchObject({ code: 'ERR_PROFILE_FORMAT', path });
  });
});

describe.each<[string, (profiles: Profiles) => unknown]>([
  ['callTree', callTree],
  ['mergeProfiles', mergeProfiles],
  ['toFlameGraphSvg', toFlameGraphSvg],
  ['toSpeedscope', toSpeedscope],
])('%s', (_, convert) => {
  const named = (name: string, over: object): NamedProfile => ({
    name,
    profile: profile(over) as CpuProfile,
  });

  test('refuses calls that go round, which it would follow for ever', () => {
    const round = named('round', { nodes: [node(1, [2]), node(2, [3]), node(3, [1])] });
    const fine = named('fine', {});
    expect(catchError(() => convert([fine, round]))).toMatchObject({
      code: 'ERR_PROFILE_FORMAT',
      path: 'nodes[2].children[0]',
    });
  });

  test.each([profile(), null, [null], { name: 'x' }])(
    'refuses %j, which has no name or no profile',
    (value) => {
      const error = catchError(() => convert(value as Profiles));
      expect(error).toBeInstanceOf(ArgumentRangeError);
      expect(error).toMatchObject({
        message: expect.stringContaining('expected objects with a name and a profile'),
      });
    },
  );
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
