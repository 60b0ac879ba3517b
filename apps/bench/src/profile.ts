/** How a run measures. All of it is in the JSON document. */
export interface Profile {
  /** Short rounds that check results. Its figures are no evidence. */
  readonly quick: boolean;
  /** Clean rounds to aim for; MIN_ROUNDS of them will do where the machine is busy. */
  readonly rounds: number;
  /** Least duration of a batch, milliseconds. */
  readonly batchMs: number;
  /** Warm-up of each case, milliseconds. */
  readonly warmupMs: number;
  /** CPUs' worth of foreign work during a round above which the round is dropped and repeated. */
  readonly maxForeignCpus: number;
  /** Orders the cases of every round and draws the bootstrap samples. */
  readonly seed: number;
}

/** Fewer clean rounds make no interval worth printing. */
export const MIN_ROUNDS = 5;

/** A round attempted this often per clean round needed is the end: the machine is too busy. Guessed. */
export const MAX_ATTEMPTS_PER_ROUND = 3;

/** Batches of 50 ms hold 100 ticks of 10 ms in a round of 20 and 10 in a round of 2. Guessed. */
export const FULL: Omit<Profile, 'seed'> = {
  quick: false,
  rounds: 9,
  batchMs: 50,
  warmupMs: 300,
  maxForeignCpus: 0.25,
};

export const QUICK: Omit<Profile, 'seed'> = { ...FULL, quick: true, rounds: 3, batchMs: 5, warmupMs: 40 };
