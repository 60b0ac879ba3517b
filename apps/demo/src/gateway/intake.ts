// A webhook from its headers to its answer. The order is that of cost and trust: what needs no body, then the body's size, then its
// signature, and only for a sender who has proved who he is the content, the tokens and the breaker of an endpoint. A stranger can
// spend nobody's tokens, take nobody's half-open probe and name no endpoint.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BufferPool, Lease } from '@corelane/buffer-pool';
import type { TagRecorder } from '@corelane/memory-tracker';
import { isIdentifier } from '../checks/identifier.ts';
import { ENCODINGS, type Encoding } from '../checks/encoding.ts';
import type { AnswerName } from './answer.ts';
import { readBody } from './body.ts';
import { NO_ENDPOINT, type Books } from './books.ts';
import type { Checks } from './checks.ts';
import type { Endpoints } from './endpoints.ts';
import { writeEnvelope } from './envelope.ts';
import type { Settings } from './options.ts';
import type { Outbox, SendOutcome } from './outbox.ts';
import { reply } from './reply.ts';
import type { Reporter } from './reporter.ts';
import { isSecurityEvent } from './security-events.ts';
import { isSignedWith } from './signature.ts';
import { UnfinishedBodies } from './unfinished-bodies.ts';

export interface IntakeParts {
  readonly settings: Settings;
  readonly pool: BufferPool;
  /** Records what bodies take while they are in hand. */
  readonly bodies: TagRecorder;
  readonly checks: Checks;
  /** Told of each body that was compressed and was let through, or was a bomb. */
  readonly onCompressed: (endpoint: number, ratio: number, isBomb: boolean) => void;
  readonly endpoints: Endpoints;
  readonly outbox: Outbox;
  readonly books: Books;
  readonly reporter: Reporter;
  /** When asking again may help, for an endpoint that refused. */
  readonly retryAfterMs: (endpoint: number) => number | null;
}

/** What a webhook says of itself, checked as far as it goes without its body. */
interface Hook {
  readonly source: string;
  readonly event: string;
  readonly secret: string;
  readonly deliveryId: string;
  readonly signature: string;
  readonly encoding: Encoding | undefined;
}

/** `gone`: nobody is there to be answered. */
type Decision = { readonly answer: AnswerName | 'gone'; readonly endpoint: number };

/** At the memory tracker. */
export const BODIES_TAG = 'bodies';

/** What to say when it is not an endpoint that refuses: guessed, long enough for a burst to pass. */
const OVERLOADED_RETRY_MS = 1000;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #unfinished: UnfinishedBodies;
  #closing = false;
  #inHand = 0;
  #whenIdle: (() => void) | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#unfinished = new UnfinishedBodies(parts.settings.unfinishedPerWorker);
  }

  /** Webhooks being handled. */
  get inHand(): number {
    return this.#inHand;
  }

  /** From now on each answer ends its connection. Resolves when every webhook in hand has been answered. */
  async drain(): Promise<void> {
    this.#closing = true;
    if (this.#inHand === 0) return;
    await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  /** Reads no body any more: senders who have not sent theirs are answered `overloaded`. What has arrived goes on. */
  cutUnfinished(): void {
    this.#unfinished.end();
  }

  /** Handles one webhook to its end. Never rejects. */
  async take(
    request: IncomingMessage,
    response: ServerResponse,
    source: string,
    event: string,
  ): Promise<void> {
    const { books, retryAfterMs } = this.#parts;
    books.inHand.set(++this.#inHand);
    const startMs = books.requestTime.now();
    let decision: Decision;
    try {
      decision = await this.#decide(request, response, source, event);
    } catch (error) {
      this.#parts.reporter.report(error);
      decision = { answer: 'broken', endpoint: NO_ENDPOINT };
    }
    const { answer, endpoint } = decision;
    if (answer === 'gone' || response.destroyed) {
      books.aborted.inc();
    } else {
      books.answer(endpoint, answer);
      books.requestTime.recordSince(startMs);
      const byEndpoint =
        answer === 'throttled' || answer === 'open' || answer === 'probing' || answer === 'upstreamFailed';
      reply(request, response, answer, {
        retryAfterMs: byEndpoint ? (retryAfterMs(endpoint) ?? OVERLOADED_RETRY_MS) : OVERLOADED_RETRY_MS,
        last: this.#closing,
      });
    }
    books.inHand.set(--this.#inHand);
    if (this.#inHand === 0) this.#whenIdle?.();
  }

  async #decide(
    request: IncomingMessage,
    response: ServerResponse,
    source: string,
    event: string,
  ): Promise<Decision> {
    const { pool, settings } = this.#parts;
    const hook = readHeaders(request, source, event, settings);
    if (typeof hook === 'string') return { answer: hook, endpoint: NO_ENDPOINT };
    const place = await this.#unfinished.enter();
    let lease: Lease | undefined;
    try {
      lease = pool.tryAcquire();
      if (lease === undefined) return { answer: 'overloaded', endpoint: NO_ENDPOINT };
      const room = lease.bytes.subarray(0, settings.maxBodyBytes);
      const { outcome, length } = await readBody(request, room, place);
      if (outcome === 'complete') this.#unfinished.leave(place);
      if (outcome === 'gone') return { answer: 'gone', endpoint: NO_ENDPOINT };
      if (outcome === 'cut') return { answer: 'overloaded', endpoint: NO_ENDPOINT };
      if (outcome === 'too large') return { answer: 'tooLarge', endpoint: NO_ENDPOINT };
      const body = room.subarray(0, length);
      if (!isSignedWith(hook.secret, body, hook.signature))
        return { answer: 'badSignature', endpoint: NO_ENDPOINT };
      this.#parts.bodies.alloc(length);
      try {
        return await this.#admit(response, hook, lease, length);
      } finally {
        this.#parts.bodies.dealloc(length);
      }
    } finally {
      // Where a deliverer has taken it over, it is theirs.
      lease?.[Symbol.dispose]();
      this.#unfinished.leave(place);
    }
  }

  /** For a sender who is who he says. */
  async #admit(response: ServerResponse, hook: Hook, lease: Lease, length: number): Promise<Decision> {
    const { books, checks, endpoints } = this.#parts;
    const { source, event, encoding } = hook;
    const endpoint = endpoints.indexOf(source, event);
    if (endpoint === undefined) return { answer: 'overloaded', endpoint: NO_ENDPOINT };
    const startMs = books.checkTime.now();
    books.checksSubmitted.inc();
    const verdict = await checks.check({
      token: lease.token,
      length,
      encoding,
      urgent: isSecurityEvent(event),
    });
    books.checksFinished.inc();
    books.checkTime.recordSince(startMs);
    if (verdict === 'refused') return { answer: 'overloaded', endpoint };
    if (verdict.ratio !== undefined)
      this.#parts.onCompressed(endpoint, verdict.ratio, verdict.fault === 'bomb');
    if (verdict.fault !== undefined) return { answer: verdict.fault, endpoint };
    // Its sender will send it again: delivering it now would deliver it twice.
    if (response.destroyed) return { answer: 'gone', endpoint };
    const { deliveryId, signature } = hook;
    writeEnvelope(lease.bytes, { deliveryId, signature, repository: verdict.repository });
    return { answer: answerFor(await this.#send(response, hook, endpoint, lease.token, length)), endpoint };
  }

  async #send(
    response: ServerResponse,
    { event, encoding }: Hook,
    endpoint: number,
    token: number,
    bodyBytes: number,
  ): Promise<SendOutcome> {
    const urgent = isSecurityEvent(event);
    const { outcome, giveUp } = this.#parts.outbox.send({ endpoint, urgent, token, bodyBytes, encoding });
    response.once('close', giveUp);
    try {
      return await outcome;
    } finally {
      response.off('close', giveUp);
    }
  }
}

/** The hook that the headers describe, or the answer where they will not do. */
function readHeaders(
  request: IncomingMessage,
  source: string,
  event: string,
  settings: Settings,
): Hook | AnswerName {
  const { headers } = request;
  const known = Object.hasOwn(settings.sources, source) ? settings.sources[source] : undefined;
  if (known === undefined) return 'unknownSource';
  const deliveryId = single(headers['x-github-delivery']);
  if (!isIdentifier('event', event) || !isIdentifier('delivery id', deliveryId)) return 'badName';
  const encoding = single(headers['content-encoding']).toLowerCase();
  if (encoding !== '' && encoding !== 'identity' && !isEncoding(encoding)) return 'unknownEncoding';
  const signature = single(headers['x-hub-signature-256']);
  if (signature === '') return 'noSignature';
  if (Number(headers['content-length'] ?? 0) > settings.maxBodyBytes) return 'tooLarge';
  return {
    source,
    event,
    secret: known.secret,
    deliveryId,
    signature,
    encoding: isEncoding(encoding) ? encoding : undefined,
  };
}

function answerFor(outcome: SendOutcome): AnswerName | 'gone' {
  switch (outcome) {
    case 'delivered':
      return 'accepted';
    case 'refused':
    case 'unreachable':
    case 'cut':
    case 'timed out':
      return 'upstreamFailed';
    case 'lost':
      return 'workerLost';
    case 'open':
    case 'probing':
    case 'throttled':
    case 'overloaded':
    case 'gone':
      return outcome;
  }
}

function isEncoding(text: string): text is Encoding {
  return (ENCODINGS as readonly string[]).includes(text);
}

function single(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.[0] ?? '');
}
