// Loops as people write them. The bench runs this file as it is, and with checkpoints in its loops; it must import nothing.

const NUMBERS = 4096;
const SIDE = 48;
const SIEVE = 8192;
const LINKS = 2048;

const numbers = Float64Array.from({ length: NUMBERS }, (_, i) => (i * 7919) % 1000);
const left = Float64Array.from({ length: SIDE * SIDE }, (_, i) => i % 13);
const right = Float64Array.from({ length: SIDE * SIDE }, (_, i) => i % 17);
const product = new Float64Array(SIDE * SIDE);
const composite = new Uint8Array(SIEVE);
const text = Array.from({ length: NUMBERS }, (_, i) => (i % 6 === 5 ? ' ' : 'word'[i % 4])).join('');
const words = text.split(' ');

interface Link {
  readonly value: number;
  readonly next: Link | undefined;
}

let first: Link | undefined;
for (let value = LINKS; value > 0; value--) first = { value, next: first };

/** Nothing but an addition in the loop: what a checkpoint costs shows here as nowhere else. */
export function sum(): number {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i] as number;
  return total;
}

export function multiply(): number {
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      let cell = 0;
      for (let k = 0; k < SIDE; k++)
        cell += (left[row * SIDE + k] as number) * (right[k * SIDE + column] as number);
      product[row * SIDE + column] = cell;
    }
  return product[SIDE + 1] as number;
}

export function primes(): number {
  composite.fill(0);
  let count = 0;
  for (let n = 2; n < SIEVE; n++) {
    if (composite[n] === 1) continue;
    count++;
    for (let multiple = n * n; multiple < SIEVE; multiple += n) composite[multiple] = 1;
  }
  return count;
}

export function scan(): number {
  let spaces = 0;
  let at = 0;
  while (at < text.length) {
    if (text.charCodeAt(at) === 32) spaces++;
    at++;
  }
  return spaces;
}

export function walk(): number {
  let total = 0;
  for (let link = first; link !== undefined; link = link.next) total += link.value;
  return total;
}

export function countWords(): number {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts.size;
}
