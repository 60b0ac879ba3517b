export type { CheckOptions, HealthCheck, MeasureContext, Threshold } from './check.ts';
export { cpuCheck, type CpuCheckOptions } from './checks/cpu.ts';
export { loopDelayCheck, type LoopDelayCheckOptions } from './checks/loop-delay.ts';
export { memoryCheck, type MachineMemory, type MemoryCheckOptions } from './checks/memory.ts';
export { probeCheck, type ProbeCheckOptions } from './checks/probe.ts';
export { queueWaitCheck, recordedCheck, type RecordedCheckOptions } from './checks/recorded.ts';
export { switchTimeCheck, type SwitchTimeCheckOptions } from './checks/switch-time.ts';
export type { Direction, Level } from './episode.ts';
export { CheckStuckError, CheckTimeoutError, HealthCheckError, MonitorDisposedError } from './errors.ts';
export { livenessHandler, readinessHandler, type HandlerOptions, type HealthHandler } from './handlers.ts';
export type { HealthState, UnknownPolicy } from './health-state.ts';
export type { Measured } from './measurement.ts';
export { HealthMonitor, type HealthEvents } from './monitor.ts';
export type { HealthMonitorOptions } from './monitor-options.ts';
export type {
  CpuUsage,
  Figure,
  MemoryFigures,
  MonitorClock,
  RecordedFigures,
  SwitchFigures,
} from './ports.ts';
export type {
  CheckReport,
  HealthCourse,
  HealthEpisode,
  HealthReport,
  HealthTransition,
  HealthTrend,
} from './report.ts';
export type { Standing } from './standing.ts';
