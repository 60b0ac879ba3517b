/** Whatever comes in, every exported function answers or throws an error of ours, and a call that threw has done nothing. */
import { expect, test } from 'vitest';
import * as experimental from '../src/experimental.ts';
import * as platform from '../src/index.ts';
import { shown } from '../src/shown.ts';

type Loose = Record<string, (...args: unknown[]) => unknown>;

const call = { ...platform, ...experimental } as unknown as Loose;
const topology = platform.Topology.read();
const range = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
const ticket = { pid: 1, slot: 0, generation: 1 };

function detached(): Uint8Array {
  const view = new Uint8Array(4096);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

/** A view of what its buffer has no longer. */
function shrunk(make: (buffer: ArrayBuffer) => ArrayBufferView): ArrayBufferView {
  const buffer = new ArrayBuffer(8192, { maxByteLength: 65_536 });
  const view = make(buffer);
  buffer.resize(100);
  return view;
}

const circle: Record<string, unknown> = {};
circle['self'] = circle;
const UNPRINTABLE = {
  toString: (): never => {
    throw new Error('toString was called');
  },
};

const HOSTILE: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-1', -1],
  ['1e300', 1e300],
  ['a BigInt', 1n],
  ['a symbol', Symbol('s')],
  ['a string', 'abc'],
  ['true', true],
  ['an object', { stranger: 1 }],
  ['an object without prototype', Object.create(null)],
  ['an empty list', []],
  ['a list with a hole', [, 'cycles']], // oxlint-disable-line no-sparse-arrays
  ['a list of BigInts', [1n]],
  ['a list of symbols', [Symbol('s')]],
  ['a list of what cannot be printed', [Object.create(null), UNPRINTABLE]],
  ['what cannot be printed', UNPRINTABLE],
  ['a circle', circle],
  ['a function', () => 1],
  ['a list without end', { *[Symbol.iterator]() { for (;;) yield 0; } }], // prettier-ignore
  ['a detached view', detached()],
  ['a typed array out of bounds', shrunk((buffer) => new Uint8Array(buffer, 4096, 4096))],
  ['a DataView out of bounds', shrunk((buffer) => new DataView(buffer, 4096, 4096))],
  [
    'a view that lies',
    Object.defineProperty(new Uint16Array(16).fill(7000), 'byteLength', { value: 2 ** 30 }),
  ],
  ['a fake typed array', Object.create(Float64Array.prototype)],
];

/** Where a hostile value goes. */
const CALLS: Readonly<Record<string, (value: unknown) => unknown>> = {
  ...Object.fromEntries(
    ['affinity', 'nice', 'schedulingPolicy', 'threadName', 'threadCpuTimeNs'].map((name) => [
      name,
      (value: unknown) => call[name]?.(value),
    ]),
  ),
  'ThreadClock.open': (tid) => platform.ThreadClock.open(tid as never),
  'ThreadClock.readInto': (target) => withClock((clock) => clock.readInto(target as never, 0)),
  'ThreadClock.readInto index': (at) =>
    withClock((clock) => clock.readInto(new Float64Array(2), at as never)),
  setAffinity: (cpus) => call['setAffinity']?.(cpus),
  'setAffinity tid': (tid) => call['setAffinity']?.([0], tid),
  pin: (slot) => call['pin']?.(slot),
  'pin node': (node) => call['pin']?.({ cpus: [7000], node }),
  setNice: (value) => call['setNice']?.(value === -1 ? 20 : value),
  'setNice tid': (tid) => call['setNice']?.(0, tid),
  'setThreadName tid': (tid) => call['setThreadName']?.('a', tid),
  setSchedulingPolicy: (request) => call['setSchedulingPolicy']?.(request),
  'setSchedulingPolicy policy': (policy) => call['setSchedulingPolicy']?.({ policy }),
  'setSchedulingPolicy priority': (priority) => call['setSchedulingPolicy']?.({ policy: 'rr', priority }),
  place: (options) => call['place']?.(topology, options),
  'place topology': (given) => call['place']?.(given, { policy: 'compact', threads: 1 }),
  ...Object.fromEntries(
    ['policy', 'threads', 'cpus', 'nodes', 'smt', 'prefer', 'bind', 'oversubscribe'].map((name) => [
      `place ${name}`,
      (value: unknown) => call['place']?.(topology, { policy: 'compact', threads: 1, [name]: value }),
    ]),
  ),
  'place explicit': (cpus) => call['place']?.(topology, { policy: 'explicit', cpus }),
  'place explicit set': (set) => call['place']?.(topology, { policy: 'explicit', cpus: [set] }),
  ...Object.fromEntries(
    [
      'lockMemory',
      'unlockMemory',
      'memoryPolicy',
      'resetMemoryPolicy',
      'prefaultMemory',
      'residency',
      'releaseMemory',
      'alignedRange',
    ].map((name) => [name, (value: unknown) => call[name]?.(value)]),
  ),
  adviseMemory: (advice) => call['adviseMemory']?.(range, advice),
  hugePages: (mode) => call['hugePages']?.(range, mode),
  bindMemory: (nodes) => call['bindMemory']?.(range, nodes),
  preferMemory: (nodes) => call['preferMemory']?.(range, nodes),
  migrateMemory: (node) => call['migrateMemory']?.(range, node),
  'migrate option': (migrate) => call['bindMemory']?.(range, [1023], { migrate }),
  'alignedRange minimumBytes': (minimumBytes) => call['alignedRange']?.(range, { minimumBytes }),
  'alignedRange alignBytes': (alignBytes) => call['alignedRange']?.(range, { alignBytes }),
  'residency nodeOfPage': (nodeOfPage) => call['residency']?.(range, { nodeOfPage }),
  'PerfEvents.open': (options) => opened(options),
  'PerfEvents.open target': (target) => opened({ target, events: ['taskClock'] }),
  'PerfEvents.open tid': (tid) => opened({ target: { tid } }),
  'PerfEvents.open events': (events) => opened({ events }),
  'PerfEvents.open excludeKernel': (excludeKernel) => opened({ excludeKernel }),
  'Topology.read': (options) => platform.Topology.read(options as never),
  'Topology.read fs': (fs) => platform.Topology.read({ fs: fs as never }),
  'Topology.read root': (root) => platform.Topology.read({ root: root as never }),
  'Topology.read disallowed': (disallowed) => platform.Topology.read({ disallowed: disallowed as never }),
  'Topology.from': (data) => platform.Topology.from(data as never),
  limits: (fs) => platform.limits(fs as never),
  formatCpuList: (cpus) => call['formatCpuList']?.(cpus),
  'formatCpuMap widthBits': (width) => call['formatCpuMap']?.([0], width),
  parseCpuList: (text) => call['parseCpuList']?.(text),
  parseCpuMap: (text) => call['parseCpuMap']?.(text),
  park: (options) => call['park']?.(ticket, options),
  'park ticket': (given) => call['park']?.(given),
  'park timeoutMs': (timeoutMs) => call['park']?.(ticket, { timeoutMs }),
};

function withClock(use: (clock: platform.ThreadClock) => void): void {
  const answer = platform.ThreadClock.open();
  if (answer.status !== 'verified') throw new platform.PlatformOptionError('clock', answer.reason);
  using clock = answer.value;
  use(clock);
}

function opened(options: unknown): unknown {
  const answer = platform.PerfEvents.open(options as never);
  if (answer.status === 'verified') answer.value.close();
  return answer;
}

function state(): unknown {
  const { affinity, nice, schedulingPolicy, threadName } = platform;
  return [affinity(), nice(), schedulingPolicy(), threadName()];
}

test.each(Object.entries(CALLS))('%s', (_, use) => {
  const before = state();
  const strangers: [string, unknown][] = [];
  for (const [what, value] of HOSTILE) {
    try {
      use(value);
    } catch (error) {
      // What is no typed array at all is told by the engine.
      if (!(error instanceof platform.PlatformError) && what !== 'a fake typed array')
        strangers.push([what, error]);
    }
    expect([what, state()]).toEqual([what, before]);
  }
  expect(strangers).toEqual([]);
});

test('asynchronous calls reject with errors of ours', async () => {
  for (const [, value] of HOSTILE) {
    const rejected = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (e: unknown) => e); // prettier-ignore
    const errors = [
      await rejected(platform.capabilities({ fs: value as never })),
      await rejected(experimental.parkAsync(ticket, { signal: value as never })),
      await rejected(experimental.parkAsync(ticket, { timeout: value } as never)),
    ];
    for (const error of errors) expect(error).toBeInstanceOf(platform.PlatformError);
  }
});

test('values are shown in short, and without running their code', () => {
  for (const [, value] of HOSTILE) expect(shown(value).length).toBeLessThan(70);
  expect([1n, 'a', -0, undefined, [1, 2]].map(shown)).toEqual(['1n', '"a"', '0', 'undefined', '[ 1, 2 ]']);
});
