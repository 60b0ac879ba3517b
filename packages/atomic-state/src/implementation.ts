// Which implementation the endpoints of a machine have: written into its root, found there by whoever attaches.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { AtomicCells } from './atomic-cells.ts';
import type { EndpointCells } from './endpoint-cells.ts';
import { PolicyError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { ATOMIC, cell, machineRoot, STANDARD, standardCell } from './layout.ts';
import { StandardCells } from './standard-cells.ts';

/**
 * - `atomic`: an endpoint is one word, changed by CAS. Nothing waits.
 * - `standard`: an endpoint is a set of plain fields that a futex mutex guards. Every operation may wait, for as long as the thread
 *   that has the mutex does not run. The same outcomes: to compare with.
 */
export type Implementation = 'atomic' | 'standard';

const NUMBERS: Readonly<Record<Implementation, number>> = { atomic: ATOMIC, standard: STANDARD };

/** @throws PolicyError */
export function numberOf(implementation: Implementation): number {
  if (!Object.hasOwn(NUMBERS, implementation))
    throw new PolicyError('implementation', implementation, 'atomic or standard');
  return NUMBERS[implementation];
}

/** Bytes of a cell. @throws AttachError where there is no such implementation */
export function cellBytesOf(implementation: number): number {
  if (implementation === ATOMIC) return cell.bytes;
  if (implementation === STANDARD) return standardCell.bytes;
  throw new AttachError(machineRoot.name, 'implementation', implementation, `${ATOMIC} or ${STANDARD}`);
}

/** The endpoints of the machine whose root is at `root`. */
export function cellsOf(arena: Arena, root: number): EndpointCells {
  // Of its own: it counts for this machine.
  const kernel = arena.ownKernel<KernelExports>({ base64: kernelBase64 });
  const implementation = arena.i32[(root >> 2) + machineRoot.word.implementation];
  return implementation === STANDARD
    ? new StandardCells(arena, kernel, root)
    : new AtomicCells(arena, kernel, root);
}
