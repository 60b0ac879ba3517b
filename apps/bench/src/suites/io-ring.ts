import type { Suite } from '../suite.ts';
import { randomReads } from './io-ring/random-reads.ts';

export const suite: Suite = {
  name: 'io-ring',
  title: 'Reads of io-ring against node:fs, and against io_uring in C',
  groups: [...randomReads],
};
