// What is published of budgets by `diagnostics_channel`, on the thread where it happens. Nothing is made where nobody subscribes.
import { channel } from 'node:diagnostics_channel';
import type { Tier } from './tier-table.ts';

/** As of `diagnostics_channel`. */
export interface EventChannel<E> {
  readonly name: string | symbol;
  readonly hasSubscribers: boolean;
  publish(event: E): void;
}

/** What made a poll a violation. */
export type ViolationCause = 'budget' | 'cpu' | 'slow';

/** The tier of a task has changed. */
export interface TierEvent {
  readonly task: string;
  /** Index of the worker; -1 on a thread that is none. */
  readonly worker: number;
  readonly from: Tier;
  readonly to: Tier;
}

/** A poll lasted longer than it may. */
export interface SlowPollEvent {
  readonly task: string;
  readonly worker: number;
  readonly durationMs: number;
  /** CPU time of the poll; undefined: not known. */
  readonly cpuMs: number | undefined;
  readonly tier: Tier;
}

/** A poll was a violation: a slow one, too. */
export interface ViolationEvent extends SlowPollEvent {
  readonly causes: readonly ViolationCause[];
}

/** A task makes way. */
export interface YieldEvent {
  readonly task: string;
  readonly worker: number;
  readonly tier: Tier;
  /** `own`: it did so by itself. `budget`: its budget, or its slice, was spent. `tier`: its tier asks for it. */
  readonly why: 'own' | 'budget' | 'tier';
}

export const tierChannel: EventChannel<TierEvent> = channel('corelane:scheduler:tier');
export const slowPollChannel: EventChannel<SlowPollEvent> = channel('corelane:scheduler:slow-poll');
export const violationChannel: EventChannel<ViolationEvent> = channel('corelane:scheduler:violation');
export const yieldChannel: EventChannel<YieldEvent> = channel('corelane:scheduler:yield');
