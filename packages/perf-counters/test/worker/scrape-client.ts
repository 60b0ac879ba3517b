// Scrapes while the thread that started it is blocked, which it ends.
import { parentPort, workerData } from 'node:worker_threads';

export interface ClientData {
  readonly url: string;
  /** Word 0 is set to 1 when the answer is there. */
  readonly done: Int32Array;
}

export interface Scraped {
  readonly contentType: string | null;
  readonly text: string;
}

const { url, done } = workerData as ClientData;
const response = await fetch(url, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
const text = await response.text();
parentPort?.postMessage({ contentType: response.headers.get('content-type'), text } satisfies Scraped);
Atomics.store(done, 0, 1);
Atomics.notify(done, 0);
