// The upstream as a process of its own: events on one port, its control on another, so that it can be asked while it is "dead".
//   POST /control  { "outages": [{ "fromMs": 3000, "toMs": 5000, "mode": "refuse" }], "delayMs": 0, "delayFromMs": 0 }
//   GET  /totals
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ScheduleError } from './errors.ts';
import { parseScript } from './upstream/schedule.ts';
import { UpstreamStub } from './upstream/stub.ts';

const stub = new UpstreamStub();

async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (request.method === 'GET' && request.url === '/totals') {
    answer(200, stub.totals());
  } else if (request.method === 'POST' && request.url === '/control') {
    try {
      const script = parseScript(JSON.parse(await text(request)));
      stub.run(script);
      answer(200, script);
    } catch (error) {
      if (!(error instanceof ScheduleError || error instanceof SyntaxError)) throw error;
      answer(400, { error: error.message });
    }
  } else {
    answer(404, { error: 'there are POST /control and GET /totals' });
  }
}

const controlServer = createServer((request, response) => void control(request, response));

async function start(): Promise<void> {
  const port = await stub.listen();
  controlServer.listen({ port: 0, host: '127.0.0.1' }, () => {
    process.send?.({ ready: true, port, controlPort: (controlServer.address() as AddressInfo).port });
  });
}

// Ctrl-C reaches every process of the terminal; this one goes when its parent does.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
void start();
