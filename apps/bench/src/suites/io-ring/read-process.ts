// The process of one case of random reads: see random-reads.ts.
import { collectYoung } from '../../collect.ts';
import { observeSpent, serveRequests, type Spent } from '../../companion.ts';
import { READERS, type Reader, type ReaderOptions } from './readers.ts';

export type ReadRequest =
  | ({ readonly type: 'open'; readonly how: keyof typeof READERS } & ReaderOptions)
  | { readonly type: 'read'; readonly operations: number };

export interface ReadAnswer extends Spent {
  readonly successful: number;
}

let reader: Reader | undefined;

serveRequests(async (request: ReadRequest): Promise<ReadAnswer | null> => {
  if (request.type === 'open') {
    reader = await READERS[request.how](request);
    return null;
  }
  if (reader === undefined) throw new Error('a read before the opening');
  collectYoung();
  const spent = observeSpent();
  const successful = await reader.read(request.operations);
  return { successful, ...spent() };
});
