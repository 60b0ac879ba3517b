export { MetricCollectTimeoutError, MetricValueError } from './errors.ts';
export {
  CorelaneMetricProducer,
  type CollectOptions,
  type MetricProducerOptions,
} from './metric-producer.ts';
