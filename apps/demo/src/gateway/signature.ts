import { createHmac, timingSafeEqual } from 'node:crypto';

const PREFIX = 'sha256=';
const HEX = /^[0-9a-f]{64}$/;

/**
 * True where `header` is the `X-Hub-Signature-256` of these bytes. Takes the same time whichever byte differs, so that a signature
 * cannot be guessed byte by byte.
 */
export function isSignedWith(secret: string, body: Uint8Array, header: string): boolean {
  const given = header.slice(PREFIX.length);
  if (!header.startsWith(PREFIX) || !HEX.test(given)) return false;
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(given, 'hex'));
}
