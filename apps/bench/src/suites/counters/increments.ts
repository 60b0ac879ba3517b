import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { otelCount, otelCounter } from './open-telemetry.ts';
import {
  newCounter,
  newLabelled,
  newRate,
  promCount,
  promCounter,
  promLabelled,
  VALUES,
  VALUES_BY_NAME,
} from './registries.ts';

const INC = 'counter.inc()';
const BOUND = 'bound counter.inc()';
const LOOKED_UP = 'counter.labels(…).inc()';
const PROM = 'prom-client counter.inc()';
const PROM_LABELLED = 'prom-client counter.inc({…})';
const OTEL_LABELLED = 'OpenTelemetry counter.add(1, {…})';

export const increments: BatchGroup = {
  kind: 'batch',
  name: 'inc',
  title: 'One increment, no labels',
  note: 'Ours is counted in shared memory and read there by any thread; prom-client counts in an object of one thread.',
  cases: [
    counted({
      name: INC,
      role: 'ours',
      create: newCounter,
      run(counter, operations) {
        for (let i = 0; i < operations; i++) counter.inc();
      },
      count: (counter) => counter.total(),
    }),
    counted({
      name: PROM,
      role: 'peer',
      create: promCounter,
      run(counter, operations) {
        for (let i = 0; i < operations; i++) counter.inc();
      },
      count: promCount,
    }),
    counted({
      name: 'rate.inc()',
      role: 'ours',
      note: 'a counter whose rate is worked out when it is read',
      create: newRate,
      run(rate, operations) {
        for (let i = 0; i < operations; i++) rate.inc();
      },
      count: (rate) => rate.total(),
    }),
    counted({
      name: 'OpenTelemetry counter.add(1)',
      role: 'peer',
      create: otelCounter,
      run({ instrument }, operations) {
        for (let i = 0; i < operations; i++) instrument.add(1);
      },
      count: otelCount,
    }),
    counted({
      name: 'a plain word of shared memory',
      role: 'limit',
      create: () => new Int32Array(new SharedArrayBuffer(4)),
      run(words, operations) {
        for (let i = 0; i < operations; i++) words[0] = (words[0] as number) + 1;
      },
      count: (words) => (words[0] as number) >>> 0,
    }),
    empty,
  ],
  claims: [
    { of: INC, metric: NS_PER_OP, atMost: 1.5 },
    { of: INC, metric: BYTES_PER_OP, atMost: 0 },
  ],
};

export const labelled: BatchGroup = {
  kind: 'batch',
  name: 'inc-labelled',
  title: 'One increment, three labels',
  cases: [
    counted({
      name: BOUND,
      role: 'ours',
      note: 'labels resolved once',
      create: () => newLabelled().labels(...VALUES),
      run(counter, operations) {
        for (let i = 0; i < operations; i++) counter.inc();
      },
      count: (counter) => counter.total(),
    }),
    counted({
      name: LOOKED_UP,
      role: 'ours',
      note: 'labels resolved each time',
      create: newLabelled,
      run(counter, operations) {
        const [method, route, code] = VALUES;
        for (let i = 0; i < operations; i++) counter.labels(method, route, code).inc();
      },
      count: (counter) => counter.labels(...VALUES).total(),
    }),
    counted({
      name: PROM_LABELLED,
      role: 'peer',
      create: promLabelled,
      run(counter, operations) {
        for (let i = 0; i < operations; i++) counter.inc(VALUES_BY_NAME);
      },
      count: promCount,
    }),
    counted({
      name: OTEL_LABELLED,
      role: 'peer',
      create: otelCounter,
      run({ instrument }, operations) {
        for (let i = 0; i < operations; i++) instrument.add(1, VALUES_BY_NAME);
      },
      count: otelCount,
    }),
    counted({
      name: 'prom-client bound counter.inc()',
      role: 'peer',
      note: 'labels resolved once',
      create: () => {
        const counter = promLabelled();
        return { counter, child: counter.labels(...VALUES) };
      },
      run({ child }, operations) {
        for (let i = 0; i < operations; i++) child.inc();
      },
      count: ({ counter }) => promCount(counter),
    }),
    empty,
  ],
  claims: [
    { of: PROM_LABELLED, against: BOUND, atLeast: 50 },
    { of: OTEL_LABELLED, against: BOUND, atLeast: 100 },
    { of: BOUND, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
