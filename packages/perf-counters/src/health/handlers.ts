// A monitor as probes over HTTP: for `node:http`, and everything that calls handlers the same way.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HealthMonitor } from './monitor.ts';
import { ArgumentRangeError, onlyKnown } from './option-checks.ts';

export interface HandlerOptions {
  /** Answers with the whole report, true by default; else with state and score alone, which tell strangers nothing. */
  readonly details?: boolean;
}

export type HealthHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** 200 while work may be sent here, else 503. Answers GET and HEAD, to others 405. @throws ArgumentRangeError */
export function readinessHandler(monitor: HealthMonitor, options: HandlerOptions = {}): HealthHandler {
  return handler(() => monitor.ready(), monitor, options);
}

/** 200 while the monitor does its work, while draining too; 503 where it has not measured for too long, or is disposed. @throws ArgumentRangeError */
export function livenessHandler(monitor: HealthMonitor, options: HandlerOptions = {}): HealthHandler {
  return handler(() => monitor.live(), monitor, options);
}

function handler(isWell: () => boolean, monitor: HealthMonitor, options: HandlerOptions): HealthHandler {
  onlyKnown('option of a handler', options, ['details']);
  const { details = true } = options;
  if (typeof details !== 'boolean') throw new ArgumentRangeError('details', details, 'a boolean');
  return (request, response) => {
    // A body that somebody sends with it is not read by anyone else.
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 }).end();
      return;
    }
    const content = details ? monitor.report() : { state: monitor.state, score: monitor.score() };
    const body = `${JSON.stringify(content)}\n`;
    response.writeHead(isWell() ? 200 : 503, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}
