// Which implementation the endpoints of a machine have: written into its root, found there by whoever attaches.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { AtomicCells } from './atomic-cells.ts';
import type { EndpointCells } from './endpoint-cells.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { ATOMIC, cell, machineRoot } from './layout.ts';

/** Bytes of a cell. @throws AttachError where there is no such implementation */
export function cellBytesOf(implementation: number): number {
  if (implementation === ATOMIC) return cell.bytes;
  throw new AttachError(machineRoot.name, 'implementation', implementation, ATOMIC);
}

/** The endpoints of the machine whose root is at `root`. */
export function cellsOf(arena: Arena, root: number): EndpointCells {
  // Of its own: it counts for this machine.
  const kernel = arena.ownKernel<KernelExports>({ base64: kernelBase64 });
  return new AtomicCells(arena, kernel, root);
}
