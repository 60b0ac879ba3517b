export { connectSnapshots, type ConnectOptions, type EndReason, type SnapshotClient } from './client.ts';
export {
  SnapshotConnectionError,
  SnapshotProtocolError,
  SnapshotRefusedError,
  SnapshotServerError,
} from './errors.ts';
export { listProcesses, type ListOptions, type ServingProcess } from './list.ts';
export type { Hello } from './protocol.ts';
export { serveSnapshots, type ServeCounts, type ServeOptions, type SnapshotServer } from './server.ts';
export type { SnapshotSource } from './snapshot-feed.ts';
export { socketDirectory, socketPath } from './socket-path.ts';
