import type { Suite } from '../suite.ts';
import { copies } from './io-ring/copies.ts';
import { echoes } from './io-ring/echo.ts';
import { randomReads } from './io-ring/random-reads.ts';
import { sequential } from './io-ring/sequential.ts';

export const suite: Suite = {
  name: 'io-ring',
  title: 'Files and sockets of io-ring against node:fs and node:net, and against the same in C',
  groups: [...randomReads, ...sequential, copies, ...echoes],
};
