// Profiles the main thread from a worker.
import { parentPort } from 'node:worker_threads';
import { profileThread } from '../../src/profiles/index.ts';

const { name, threadId, by, profile } = await profileThread(0, { durationMs: 100, intervalUs: 500 });
parentPort?.postMessage({ name, threadId, by, profile });
