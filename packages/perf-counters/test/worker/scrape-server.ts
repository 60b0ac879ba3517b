// A thread that answers scrapes, whatever the others are busy with: the example of the README.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { contentTypeFor, RegistryReader, type RegistryHandle } from '../../src/index.ts';

const reader = RegistryReader.attach(workerData as RegistryHandle);
const server = createServer((request, response) => {
  const contentType = contentTypeFor(request.headers.accept);
  reader.metrics({ contentType }).then(
    (text) => response.setHeader('content-type', contentType).end(text),
    (error: Error) => response.destroy(error),
  );
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
