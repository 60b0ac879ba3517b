// A module that takes long to import.
import { isMainThread } from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';

const endMs = performance.now() + (isMainThread ? 0 : 600);
while (performance.now() < endMs);

export const slowImport = defineTasks(import.meta.url, { ready: () => 'ready' });
