// In a worker: what polls come to. A poll is for the record of a task that goes on in several, or for that of its name.
import { CAUSES, observePoll, observePolls } from '../budgets/tier-machine.ts';
import { TIER_ISOLATE, TIER_YIELD } from '../budgets/tier-table.ts';
import { toSharedMs } from '../shared-clock.ts';
import { tierNamed, type EventPost } from './event-post.ts';
import type { NameWatches } from './name-watches.ts';
import type { WatchCounts } from './watch-counts.ts';
import type { Watched } from './watched.ts';

/** Milliseconds for which good polls are kept. Guessed. */
const TELL_EVERY_MS = 1;

/** All times are of `performance.now()`. */
export class PollRecords {
  readonly #names: NameWatches;
  readonly #counts: WatchCounts;
  readonly #post: EventPost;
  readonly #clock: { readonly nowMs: number };

  /** @param clock is asked for the time, since a float as an argument may be an object */
  constructor(names: NameWatches, counts: WatchCounts, post: EventPost, clock: { readonly nowMs: number }) {
    this.#clock = clock;
    this.#names = names;
    this.#counts = counts;
    this.#post = post;
    names.onChange = this.#changed;
  }

  ofName(id: number, level: number): Watched {
    return this.#names.of(id, level);
  }

  ofTask(name: Watched, isIsolated: boolean, nowMs: number): Watched {
    name.setTier(this.#names.tierOf(name));
    return name.begin(toSharedMs(nowMs), isIsolated ? TIER_ISOLATE : name.tier);
  }

  /** A poll that may have been no good one. @returns causes, as of observePoll */
  observe(watched: Watched, wallMs: number, cpuMs: number, isSpent: boolean, nowMs: number): number {
    const { record, rules } = watched;
    const sharedMs = toSharedMs(nowMs);
    if (record === undefined) return this.#names.observe(watched, wallMs, cpuMs, isSpent, sharedMs);
    this.#tell(watched, sharedMs);
    watched.seen++;
    const outcome = observePoll(record, 0, rules, wallMs, cpuMs, isSpent, sharedMs);
    if ((outcome & CAUSES) !== 0) watched.violations++;
    this.#adopt(watched);
    return outcome;
  }

  /** So many polls, all of them good. */
  good(watched: Watched, polls: number): void {
    const sharedMs = toSharedMs(this.#clock.nowMs);
    if (watched.record === undefined) {
      this.#names.good(watched, polls);
      return;
    }
    watched.seen += polls;
    watched.good += polls;
    if (sharedMs >= watched.tellMs) this.#tell(watched, sharedMs);
  }

  /** Its own record. */
  #tell(watched: Watched, sharedMs: number): void {
    const { record, rules, good } = watched;
    watched.tellMs = sharedMs + TELL_EVERY_MS;
    if (good === 0 || record === undefined) return;
    watched.good = 0;
    observePolls(record, 0, rules, good, true, sharedMs);
    this.#adopt(watched);
  }

  #adopt(watched: Watched): void {
    const from = watched.adopt();
    if (from !== watched.tier) this.#changed(watched, from, watched.tier);
  }

  /** Its tier is another one now. */
  readonly #changed = ({ name, worker }: Watched, from: number, to: number): void => {
    if (to > from) this.#counts.promotions++;
    else this.#counts.demotions++;
    this.#counts.publish();
    const event = { task: name, worker, from: tierNamed(from), to: tierNamed(to) };
    this.#post.post({ kind: 'tier', event }, performance.now());
  };

  /** A violation is told of. @param tier that the task had before */
  report(
    { name, worker }: Watched,
    outcome: number,
    tier: number,
    wallMs: number,
    cpuMs: number,
    nowMs: number,
  ): void {
    const causes = this.#counts.violated(outcome);
    const event = { task: name, worker, durationMs: wallMs, cpuMs, tier: tierNamed(tier), causes };
    this.#post.post({ kind: 'violation', event }, nowMs);
  }

  /** A task with a record of its own has ended: for its name it is one poll, good unless it was one that has to be made to yield. */
  learn(watched: Watched, name: Watched, nowMs: number): void {
    this.#names.learn(name, watched, watched.tier < TIER_YIELD, toSharedMs(nowMs));
  }

  /** Tells what is left to tell: no poll follows at once. */
  tellAll(nowMs: number): void {
    this.#names.tellAll(toSharedMs(nowMs));
    this.#counts.unsaid = this.#post.unsaid;
  }
}
