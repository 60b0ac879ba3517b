/** What an operation failed with, told with the file that it was on. */
import { errnoName } from './errno.ts';
import { OperationError } from './errors.ts';
import type { Operation } from './operation.ts';

const DIRECT_HINT =
  'with `direct`, position, length and address are to be multiples of the block of the device, mostly 512 or 4096';

/** @param result -errno */
export function failureOf(operation: Operation, result: number): OperationError {
  const { syscall, file, transferredBytes } = operation;
  const code = errnoName(-result);
  const path = operation.path === '' ? (file?.path ?? '') : operation.path;
  const hint = code === 'EINVAL' && file?.direct === true ? DIRECT_HINT : '';
  return new OperationError(code, result, syscall, { path, transferredBytes, hint });
}
