// Between the bench and the process of a group.
import type { RawGroup } from './group-report.ts';
import type { Profile } from './profile.ts';

export interface Job {
  /** Module whose registry holds the suite, or null for the built-in one. */
  readonly from: string | null;
  readonly suite: string;
  readonly group: string;
  readonly phase: 'time' | 'allocation';
  readonly profile: Profile;
}

export type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'done'; readonly report: RawGroup }
  | { readonly type: 'failed'; readonly reason: string };
