import { createHmac } from 'node:crypto';

/** `X-Hub-Signature-256` as GitHub computes it: HMAC SHA-256 over the bytes of the body. */
export function sign(secret: string, body: Uint8Array): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
