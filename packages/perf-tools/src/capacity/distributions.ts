// Student's t and Fisher's F, by the incomplete beta function. Pure.

/** ln Γ(x), x > 0, to 1e-13 (Lanczos, g = 7). */
function logGamma(x: number): number {
  const [first = 0, ...rest] = LANCZOS;
  const z = x - 1;
  const series = rest.reduce((sum, each, i) => sum + each / (z + i + 1), first);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** I_x(a, b) by its continued fraction (DLMF 8.17.22, evaluated by Lentz's method). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  let fraction = 1;
  let c = 1;
  let d = 0;
  for (let i = 0; i <= 400; i++) {
    const term = i === 0 ? 1 : betaTerm(i, x, a, b);
    d = 1 / notNothing(1 + term * d);
    c = notNothing(1 + term / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) + logGamma(a + b) - logGamma(a) - logGamma(b));
  return (front * (fraction - 1)) / a;
}

function betaTerm(i: number, x: number, a: number, b: number): number {
  const m = i >> 1;
  return i % 2 === 0
    ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
}

function notNothing(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

/** The value that |t| of so many degrees of freedom stays below with this probability. */
export function twoSidedT(probability: number, freedom: number): number {
  const within = (t: number): number => 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  let high = 1;
  while (within(high) < probability) high *= 2;
  let low = 0;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (within(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** How often F of these degrees of freedom is as large or larger. */
export function upperF(f: number, numerator: number, denominator: number): number {
  return incompleteBeta(denominator / (denominator + numerator * f), denominator / 2, numerator / 2);
}
