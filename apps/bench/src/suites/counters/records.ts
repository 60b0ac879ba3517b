import { createHistogram } from 'node:perf_hooks';
import * as hdr from 'hdr-histogram-js';
import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { otelCount, otelHistogram } from './open-telemetry.ts';
import {
  BOUNDS_MS,
  newHistogram,
  promHistogram,
  promLabelledHistogram,
  promObservations,
  VALUES_BY_NAME,
} from './registries.ts';

const RECORD = 'histogram.record';
const HDR = 'hdr-histogram-js (Wasm)';
const NODE = 'perf_hooks createHistogram';
const PROM_LABELLED = 'prom-client observe({…}, v)';

/** Values from 1 to 4096, the same for all. */
const MASK = 4095;

export const records: BatchGroup = {
  kind: 'batch',
  name: 'record',
  title: 'One value recorded into a histogram',
  note: 'Buckets: log-linear within 5 % (ours, and hdr with 2 digits: 1 %), or prom-client’s eleven. createHistogram: 3 digits.',
  cases: [
    counted({
      name: RECORD,
      role: 'ours',
      create: () => newHistogram(),
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.record((i & MASK) + 1);
      },
      count: (histogram) => histogram.distribution().count,
    }),
    counted({
      name: 'histogram.record, eleven buckets',
      role: 'ours',
      create: () => newHistogram(BOUNDS_MS),
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.record((i & MASK) + 1);
      },
      count: (histogram) => histogram.distribution().count,
    }),
    counted({
      name: 'histogram.record(0)',
      role: 'ours',
      note: 'queues are mostly empty',
      create: () => newHistogram(),
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.record(0);
      },
      count: (histogram) => histogram.distribution().count,
    }),
    counted({
      name: 'prom-client observe(v)',
      role: 'peer',
      create: promHistogram,
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.observe((i & MASK) + 1);
      },
      count: promObservations,
    }),
    counted({
      name: PROM_LABELLED,
      role: 'peer',
      note: 'three labels; ours resolves them once',
      create: promLabelledHistogram,
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.observe(VALUES_BY_NAME, (i & MASK) + 1);
      },
      count: promObservations,
    }),
    counted({
      name: HDR,
      role: 'peer',
      note: 'counts in 32 bits, of one thread',
      async create() {
        await hdr.initWebAssembly();
        return hdr.build({ bitBucketSize: 32, useWebAssembly: true, numberOfSignificantValueDigits: 2 });
      },
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.recordValue((i & MASK) + 1);
      },
      count: (histogram) => histogram.totalCount,
    }),
    counted({
      name: NODE,
      role: 'peer',
      note: 'can be shared with workers',
      create: () => createHistogram(),
      run(histogram, operations) {
        for (let i = 0; i < operations; i++) histogram.record((i & MASK) + 1);
      },
      count: (histogram) => histogram.count,
    }),
    counted({
      name: 'OpenTelemetry record(v)',
      role: 'peer',
      note: 'the same eleven buckets',
      create: otelHistogram,
      run({ instrument }, operations) {
        for (let i = 0; i < operations; i++) instrument.record((i & MASK) + 1);
      },
      count: otelCount,
    }),
    counted({
      name: 'OpenTelemetry record(v, {…})',
      role: 'peer',
      note: 'three attributes',
      create: otelHistogram,
      run({ instrument }, operations) {
        for (let i = 0; i < operations; i++) instrument.record((i & MASK) + 1, VALUES_BY_NAME);
      },
      count: otelCount,
    }),
    empty,
  ],
  claims: [
    { of: RECORD, metric: NS_PER_OP, atMost: 4 },
    { of: RECORD, metric: BYTES_PER_OP, atMost: 0 },
    { of: HDR, against: RECORD, atLeast: 4 },
    { of: NODE, against: RECORD, atLeast: 4 },
    { of: PROM_LABELLED, against: RECORD, atLeast: 40 },
  ],
};
