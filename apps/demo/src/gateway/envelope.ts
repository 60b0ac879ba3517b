// What the upstream is told of an event beside its body. It lies behind the body, in the same pooled buffer, so that whichever worker
// delivers the event finds it there. All of it has been checked to be ASCII.
import { envelope } from './layout.ts';

/** Room that every pooled buffer has behind the largest body. */
export const ENVELOPE_BYTES: number = envelope.bytes;

export interface Envelope {
  readonly deliveryId: string;
  readonly signature: string;
  readonly repository: string | undefined;
}

/** @param buffer the whole of it @throws RangeError where the names do not fit */
export function writeEnvelope(
  buffer: Uint8Array,
  { deliveryId, signature, repository = '' }: Envelope,
): void {
  const at = buffer.length - ENVELOPE_BYTES;
  const head = wordsOf(buffer, at);
  const names = Buffer.from(buffer.buffer, buffer.byteOffset + at + envelope.offset.names);
  const length = deliveryId.length + signature.length + repository.length;
  const room = ENVELOPE_BYTES - envelope.offset.names;
  if (length > room) throw new RangeError(`an envelope of ${length} bytes: expected at most ${room}`);
  head[envelope.word.idBytes] = deliveryId.length;
  head[envelope.word.signatureBytes] = signature.length;
  head[envelope.word.repositoryBytes] = repository.length;
  names.write(deliveryId + signature + repository, 'latin1');
}

export function readEnvelope(buffer: Uint8Array): Envelope {
  const at = buffer.length - ENVELOPE_BYTES;
  const head = wordsOf(buffer, at);
  const names = Buffer.from(buffer.buffer, buffer.byteOffset + at + envelope.offset.names);
  const idEnd = head[envelope.word.idBytes] as number;
  const signatureEnd = idEnd + (head[envelope.word.signatureBytes] as number);
  const repositoryEnd = signatureEnd + (head[envelope.word.repositoryBytes] as number);
  return {
    deliveryId: names.toString('latin1', 0, idEnd),
    signature: names.toString('latin1', idEnd, signatureEnd),
    repository:
      repositoryEnd === signatureEnd ? undefined : names.toString('latin1', signatureEnd, repositoryEnd),
  };
}

function wordsOf(buffer: Uint8Array, at: number): Int32Array {
  return new Int32Array(buffer.buffer, buffer.byteOffset + at, envelope.offset.names >> 2);
}
