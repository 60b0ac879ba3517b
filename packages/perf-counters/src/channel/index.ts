export {
  diffSnapshots,
  type Change,
  type DistributionMetricDiff,
  type DistributionSeriesDiff,
  type SnapshotDiff,
  type ValueMetricDiff,
  type ValueSeriesDiff,
  type WriterChange,
} from './diff.ts';
export {
  publishTo,
  type PublishedReader,
  type PublishOptions,
  type SnapshotMessage,
  type SnapshotPublisher,
} from './publisher.ts';
