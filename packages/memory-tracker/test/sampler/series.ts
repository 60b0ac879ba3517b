// Synthetic memory, the same for the same seed.
export const MB = 2 ** 20;

export type Shape =
  | 'constant'
  | 'noise'
  | 'autocorrelated noise'
  | 'strongly autocorrelated noise'
  | 'saw'
  | 'slow saw'
  | 'steps up and down'
  | 'a random walk';

/** mulberry32. @returns numbers from 0 to 1 */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** About 50 MB and more, without a trend. */
export function series(shape: Shape, samples: number, random: () => number): number[] {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const every = (next: () => number): number[] =>
    Array.from({ length: samples }, () => 50 * MB + next() * MB);
  switch (shape) {
    case 'constant':
      return every(() => 0);
    case 'noise':
      return every(() => 5 * normal());
    case 'autocorrelated noise': {
      let level = 0;
      return every(() => 3 * (level = 0.6 * level + normal()));
    }
    // It remembers some 30 samples, and has done so for long when the window begins.
    case 'strongly autocorrelated noise': {
      let level = normal() / Math.sqrt(1 - 0.97 ** 2);
      return every(() => (level = 0.97 * level + normal()));
    }
    // Garbage of 0 to 2 MB a sample, collected at 30.
    case 'saw': {
      let garbage = 30 * random();
      return every(() => (garbage = garbage > 30 ? 2 * random() : garbage + 2 * random()));
    }
    // Collected three to nine times.
    case 'slow saw': {
      let garbage = 30 * random();
      const step = (30 * (3 + 6 * random())) / samples;
      return every(() => (garbage = garbage > 30 ? 2 * random() : garbage + step));
    }
    // A cache that is filled and emptied.
    case 'steps up and down': {
      let level = 0;
      return every(() => {
        if (random() < 0.05) level = 10 * Math.floor(4 * random());
        return level + normal();
      });
    }
    // It does grow, or shrink: what it has gained stays.
    case 'a random walk': {
      let level = 0;
      return every(() => (level += normal()));
    }
  }
}
