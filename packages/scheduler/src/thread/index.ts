export type { SwitchKind, SwitchReport } from '../fibres/switch-statistics.ts';
export { fileTask, type FileFunction } from '../file-task.ts';
export {
  ThreadCancelledError,
  ThreadLostError,
  ThreadPlacementError,
  ThreadUnfinishedError,
} from './errors.ts';
export { type JoinHandle } from './join-handle.ts';
export type { PlatformAnswer, ThreadPlatform } from './ports.ts';
export { ThreadBuilder } from './thread-builder.ts';
export { threadOf, type CurrentThread } from './thread-context.ts';
export type { ThreadSetting } from './thread-message.ts';
export type {
  Migration,
  SchedulerOwner,
  SpawnOptions,
  ThreadOptions,
  ThreadProfile,
} from './thread-options.ts';
