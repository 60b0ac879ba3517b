// Tiers as docs/budgets.md says it, as plainly as possible: the whole history is kept, and every question is answered from it. Nothing of src/ is used but names.

export interface Row {
  readonly violations: number;
  readonly cpuMs: number;
  readonly slowPolls: number;
  readonly goodPolls: number;
  readonly minMs: number;
  readonly goodCpuUs: number;
  readonly checkEvery: number;
}

export interface Settings {
  readonly cpuBudgetMs: number;
  readonly slowPollMs: number;
  readonly promotionHysteresisMs: number;
  readonly demotionHysteresisMs: number;
  readonly coolDownMs: number;
  readonly coolDownRate: number;
  readonly rows: readonly Row[];
}

export interface Poll {
  readonly wallMs: number;
  /** undefined: not known. */
  readonly cpuMs: number | undefined;
  readonly isSpent: boolean;
  /** When it ended. */
  readonly atMs: number;
}

type Kind = 'violation' | 'good' | 'neither';

interface Seen extends Poll {
  readonly kind: Kind;
  readonly isSlow: boolean;
  readonly causes: readonly string[];
}

/** How a stay at a tier began. */
interface Stay {
  readonly tier: number;
  readonly sinceMs: number;
  readonly isFirst: boolean;
}

const last = <T>(list: readonly T[]): T | undefined => list.at(-1);
const total = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0);

export class ReferenceTiers {
  readonly #settings: Settings;
  #stay: Stay;
  /** When the time at the tier began: with the stay, or, at monitor, with its renewal. */
  #enteredMs: number;
  /** Polls of this stay. */
  #polls: Seen[] = [];
  /** How many of the polls of this stay came before violations were last forgiven, and before the renewal at monitor. */
  #forgiven = 0;
  #renewed = 0;
  #checked = 0;
  /** Times of all violations there ever were, in seconds of their own. */
  readonly #seconds: number[][] = [];
  #coolDownEndsMs: number | undefined;

  constructor(settings: Settings, startMs: number, tier = 0) {
    this.#settings = settings;
    this.#stay = { tier, sinceMs: startMs, isFirst: true };
    this.#enteredMs = startMs;
  }

  get tier(): number {
    return this.#stay.tier;
  }

  /** @returns causes, and what a check has changed */
  poll(poll: Poll): string[] {
    const seen = this.#judge(poll);
    this.#polls.push(seen);
    const told = [...seen.causes];
    if (seen.kind === 'violation' && this.#coolsDown(poll.atMs)) told.push('cooling down');
    const isDue = this.#polls.length - this.#checked >= this.#row.checkEvery;
    return isDue || seen.isSlow ? [...told, ...this.#check(poll.atMs)] : told;
  }

  get #row(): Row {
    return this.#settings.rows[this.#stay.tier] as Row;
  }

  #judge(poll: Poll): Seen {
    const { cpuBudgetMs, slowPollMs } = this.#settings;
    const isSlow = poll.wallMs > slowPollMs;
    const isBusy = poll.cpuMs !== undefined && poll.cpuMs > cpuBudgetMs;
    const causes = [
      ...(poll.isSpent ? ['budget'] : []),
      ...(isBusy ? ['cpu'] : []),
      ...(isSlow ? ['slow'] : []),
    ];
    if (causes.length > 0) return { ...poll, causes, isSlow, kind: 'violation' };
    const isCool = this.#coolDownEndsMs === undefined || poll.atMs >= this.#coolDownEndsMs;
    const isGood = (poll.cpuMs ?? poll.wallMs) <= this.#row.goodCpuUs / 1000;
    return { ...poll, causes, isSlow, kind: isCool && isGood ? 'good' : 'neither' };
  }

  #coolsDown(atMs: number): boolean {
    const second = last(this.#seconds);
    if (second === undefined || atMs - (second[0] as number) >= 1000) this.#seconds.push([atMs]);
    else second.push(atMs);
    if ((last(this.#seconds) as number[]).length <= this.#settings.coolDownRate) return false;
    this.#coolDownEndsMs = atMs + this.#settings.coolDownMs;
    return true;
  }

  #check(atMs: number): string[] {
    this.#checked = this.#polls.length;
    const { promotionHysteresisMs, demotionHysteresisMs } = this.#settings;
    const row = this.#row;
    const agoMs = this.#stay.isFirst ? Infinity : atMs - this.#stay.sinceMs;
    const violations = this.#polls.slice(this.#forgiven).filter(({ kind }) => kind === 'violation');
    const slow = this.#polls.slice(this.#renewed).filter(({ isSlow }) => isSlow);
    const hasEvidence =
      violations.length >= row.violations ||
      total(violations.map(({ cpuMs }) => cpuMs ?? 0)) >= row.cpuMs ||
      slow.length >= row.slowPolls;
    if (this.tier < 3 && hasEvidence && agoMs >= promotionHysteresisMs) return this.#move(1, atMs);
    const lastViolation = this.#polls.findLastIndex(({ kind }) => kind === 'violation');
    const streak = this.#polls.slice(Math.max(lastViolation + 1, this.#renewed));
    if (streak.filter(({ kind }) => kind === 'good').length < row.goodPolls) return [];
    this.#forgiven = this.#polls.length;
    const violatedMs = last(last(this.#seconds) ?? []) ?? -Infinity;
    if (
      atMs - this.#enteredMs < row.minMs ||
      agoMs < demotionHysteresisMs ||
      atMs - violatedMs < demotionHysteresisMs
    )
      return [];
    if (this.tier > 0) return this.#move(-1, atMs);
    this.#renewed = this.#polls.length;
    this.#enteredMs = atMs;
    return [];
  }

  #move(by: 1 | -1, atMs: number): string[] {
    this.#stay = { tier: this.tier + by, sinceMs: atMs, isFirst: false };
    this.#enteredMs = atMs;
    this.#polls = [];
    this.#forgiven = this.#renewed = this.#checked = 0;
    return [by === 1 ? 'promoted' : 'demoted'];
  }
}
