// Bytes in, their digest out.
import type { BatchGroup, Claim } from '../../suite.ts';
import { type ContestantName, LIBRARIES } from './contestants.ts';
import { poolCase, SCHEDULER } from './pool-case.ts';
import { LEAST_RATIO_4_KIB, PARITY } from './targets.ts';

const OURS = 'scheduler, shared';

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly inFlight: number;
}

const SIZES: readonly Size[] = [
  { name: '4k', bytes: 2 ** 12, inFlight: 64 },
  { name: '64k', bytes: 2 ** 16, inFlight: 16 },
  { name: '1m', bytes: 2 ** 20, inFlight: 8 },
];

/** Each with the same semantics: bytes that all threads have by where they lie, copied ones against copied ones. */
function claimsOf({ name }: Size): readonly Claim[] {
  if (name === '4k') return LIBRARIES.map((of): Claim => ({ of, against: OURS, atLeast: LEAST_RATIO_4_KIB }));
  return [
    { of: 'port', against: OURS, atLeast: PARITY },
    { of: 'port, batched', against: OURS, atLeast: PARITY },
    { of: 'port, cloned', against: SCHEDULER, atLeast: PARITY },
  ];
}

function group(threads: number, size: Size): BatchGroup {
  const names: readonly ContestantName[] = [
    OURS,
    SCHEDULER,
    ...LIBRARIES,
    'port',
    'port, cloned',
    'port, batched',
    'call, no thread',
  ];
  const { bytes, inFlight } = size;
  return {
    kind: 'batch',
    name: `payload-${threads}-${size.name}`,
    title: `SHA-256 of ${bytes / 1024} KiB, ${threads} ${threads === 1 ? 'worker' : 'workers'}, ${inFlight} in flight`,
    note: 'Every case in a process of its own; each digest is looked at. Bytes lie where the contestant likes them best: for all that use a message port that is a SharedArrayBuffer, which goes by reference (cloning, and copying into memory that is transferred, were slower at all three sizes).',
    cases: names.map((name) => poolCase(name, 'digests', { threads, inFlight, payloadBytes: bytes })),
    claims: claimsOf(size),
  };
}

export const payload: readonly BatchGroup[] = [1, 2].flatMap((threads) =>
  SIZES.map((size) => group(threads, size)),
);
