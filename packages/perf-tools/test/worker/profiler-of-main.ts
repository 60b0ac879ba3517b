// Profiles the main thread from a worker.
import { parentPort } from 'node:worker_threads';
import { profileThread, startProfile } from '../../src/profiles/index.ts';

// Neither what was recorded before, and thrown away, nor its interval is part of it.
await (await startProfile(0, { intervalUs: 100 }))[Symbol.asyncDispose]();
const { name, threadId, by, profile } = await profileThread(0, { durationMs: 100 });
parentPort?.postMessage({ name, threadId, by, profile });
