// Allocates a line in the arena that it was given.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../src/index.ts';

const arena = Arena.attach(workerData);
arena.allocate(128);
parentPort!.postMessage(arena.usedBytes);
