// Answers as they go over the wire.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ANSWER_NAMES, ANSWERS, type AnswerName } from './answer.ts';

/** What is left of a body is read and thrown away, up to this; a sender with more than that loses the connection. */
const MAX_LEFTOVER_BYTES = 1 << 20;

const BODIES = Object.fromEntries(
  ANSWER_NAMES.map((name) => {
    const { status, reason } = ANSWERS[name];
    return [name, Buffer.from(`${JSON.stringify({ status, ...(reason !== '' && { reason }) })}\n`)];
  }),
) as Record<AnswerName, Buffer>;

export interface ReplyOptions {
  /** For 429 and 503: when to come back; sent in whole seconds, at least 1. */
  readonly retryAfterMs?: number;
  /** Ends the connection after the answer: the gateway is closing. */
  readonly last?: boolean;
}

/** Answers a webhook. */
export function reply(
  request: IncomingMessage,
  response: ServerResponse,
  name: AnswerName,
  options: ReplyOptions = {},
): void {
  const { status, reason } = ANSWERS[name];
  const { retryAfterMs = 0, last = false } = options;
  const body = BODIES[name];
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': body.length,
  };
  if (reason !== '') headers['x-gateway-reason'] = reason;
  if (status === 429 || status === 503) headers['retry-after'] = Math.max(1, Math.ceil(retryAfterMs / 1000));
  if (last) headers['connection'] = 'close';
  response.writeHead(status, headers);
  if (request.complete) response.end(body);
  else endAfterLeftover(request, response, body);
}

/**
 * Sends the whole answer, and ends it only when the body that nobody wants has come in. Closing a socket with unread bytes resets the
 * connection, and a reset overtakes the answer: the sender would see an error in place of the 413.
 */
function endAfterLeftover(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
  let leftBytes = MAX_LEFTOVER_BYTES;
  response.write(body);
  request.on('data', (chunk: Uint8Array) => {
    leftBytes -= chunk.length;
    if (leftBytes < 0) request.socket.destroy();
  });
  request.once('end', () => response.end()).once('close', () => response.end());
}

/** Answers what is no webhook. */
export function replyText(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
