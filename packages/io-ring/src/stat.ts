/** The status of a path, without opening it. */
import { checkPath, statOf } from './file-operations.ts';
import type { FileStatus } from './file-status.ts';
import { runOn, type IoRing, type OperationOptions } from './io-ring.ts';

/**
 * What is known of the file of a path; with `followLinks: false`, of a symbolic link itself.
 * @throws IoArgumentError; rejects with OperationError (`ENOENT`, `EACCES` …)
 */
export async function stat(
  ring: IoRing,
  path: string,
  { followLinks = true, ...options }: OperationOptions & { readonly followLinks?: boolean } = {},
): Promise<FileStatus> {
  checkPath(path);
  const operation = statOf(path, followLinks);
  await runOn(ring, operation, options);
  return operation.status as FileStatus;
}
