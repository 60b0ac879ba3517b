// A process that serves its metrics. It is told what to do over IPC: 'stop' ends serving, 'tick' counts more.
import { Registry } from '@corelane/perf-counters';
import { serveSnapshots } from '@corelane/perf-counters/socket';
import { Arena } from '@corelane/shared-memory';

const [path] = process.argv.slice(2);
const registry = Registry.create(Arena.create({ bytes: 1 << 22 }));
const requests = registry
  .counter({ name: 'requests_total', help: 'Requests', labels: ['code'] })
  .labels('200');
requests.inc(1000);
const seconds = registry.timer({ name: 'request_seconds', help: 'Time to answer' });
for (let i = 1; i <= 100; i++) seconds.record(i);
const server = await serveSnapshots(registry, { keepAlive: true, ...(path === undefined ? {} : { path }) });
process.on('message', (order) => {
  if (order === 'tick') requests.inc(1000);
  else void server[Symbol.asyncDispose]().then(() => process.disconnect());
});
process.send?.('serving');
