import { describe, expect, test } from 'vitest';
import { levenbergMarquardt } from 'ml-levenberg-marquardt';
import { fitCapacity, type CapacityFit, type CapacitySample, type NoFit } from '../../src/capacity/index.ts';
import { relativeCapacity, type Law } from '../../src/capacity/scalability-law.ts';
import { ArgumentRangeError } from '../../src/errors.ts';

function samples(workers: readonly number[], throughput: readonly number[]): CapacitySample[] {
  return workers.map((each, i) => ({ workers: each, throughput: throughput[i] as number }));
}

function fit(measured: readonly CapacitySample[], options?: Parameters<typeof fitCapacity>[1]): CapacityFit {
  const found = fitCapacity(measured, options);
  if (found.kind === 'no-fit') throw new Error(`${found.reason}: ${found.message}`);
  return found;
}

function refusal(measured: readonly CapacitySample[], options?: Parameters<typeof fitCapacity>[1]): NoFit {
  const found = fitCapacity(measured, options);
  if (found.kind === 'fit') throw new Error('it fits');
  return found;
}

/** Normal, mean 0, deviation 1; the same on every run. */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let warm = 0; warm < 8; warm++) uniform();
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function follow(
  { lambda, sigma, kappa }: Law,
  workers: readonly number[],
  error: () => number = () => 0,
): CapacitySample[] {
  return workers.map((each) => ({
    workers: each,
    throughput: lambda * relativeCapacity(each, sigma, kappa) + error(),
  }));
}

/** SPEC SDM91 on a Sun SPARCcenter 2000, and a ray tracer: data sets of the R package usl (S. Möding), after Gunther 2007. */
const SDM91 = samples([1, 18, 36, 72, 108, 144, 216], [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775, 1702.2]);
const RAY_TRACER = samples(
  [1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64],
  [20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310],
);

describe('published measurements', () => {
  test('SPEC SDM91 has the coefficients and the peak that the R package usl finds', () => {
    const { lambda, sigma, kappa, peak, rSquared, degreesOfFreedom } = fit(SDM91);
    expect(lambda.value).toBeCloseTo(89.995233, 4);
    expect(sigma.value).toBeCloseTo(0.0277285, 6);
    expect(kappa.value).toBeCloseTo(0.0001044, 6);
    expect(peak).toMatchObject({ kind: 'peak', isMeasured: true });
    expect(peak.workers.value).toBeCloseTo(96.52, 1);
    expect([96, 97]).toContain(peak.bestWorkers);
    expect(peak.throughput.value).toBeCloseTo(1883.9, 0);
    expect(rSquared).toBeGreaterThan(0.98);
    expect(degreesOfFreedom).toBe(4);
    // Its standard errors: 0.0091 and 0.0000199, so that both are more than 0.
    expect(sigma.low).toBeGreaterThan(0);
    expect(kappa.low).toBeGreaterThan(0.00002);
    expect(kappa.high).toBeLessThan(0.0002);
  });

  test('the ray tracer has its published coefficients, and no peak in sight: a lower bound and a ceiling', () => {
    const { lambda, sigma, kappa, peak } = fit(RAY_TRACER);
    expect(lambda.value).toBeCloseTo(21.848843, 4);
    expect(sigma.value).toBeCloseTo(0.057771, 6);
    expect(kappa).toMatchObject({ value: 0, low: 0 });
    expect(peak).toMatchObject({ kind: 'none-in-sight', bestWorkers: null, isMeasured: false });
    expect(peak.workers).toMatchObject({ value: Infinity, high: Infinity });
    expect(peak.workers.low).toBeGreaterThan(64);
    expect(peak.throughput.value).toBeCloseTo(378.2, 1);
  });
});

describe('what follows the law', () => {
  test.each([
    { lambda: 1000, sigma: 0.02, kappa: 0.0005 },
    { lambda: 3, sigma: 0.3, kappa: 0.01 },
    { lambda: 1e6, sigma: 0, kappa: 0.002 },
    { lambda: 50, sigma: 0.1, kappa: 0 },
    { lambda: 7, sigma: 0.9, kappa: 0.3 },
  ])('without errors is found to six digits, as are its peak and any prediction: %j', (law) => {
    const workers = [1, 2, 3, 4, 6, 8, 12, 16];
    const found = fit(follow(law, workers));
    expect(found.lambda.value / law.lambda).toBeCloseTo(1, 6);
    expect(found.sigma.value).toBeCloseTo(law.sigma, 6);
    expect(found.kappa.value).toBeCloseTo(law.kappa, 6);
    const predicted = found.predict(24);
    expect(predicted.value / (law.lambda * relativeCapacity(24, law.sigma, law.kappa))).toBeCloseTo(1, 5);
    expect(predicted.low).toBeLessThanOrEqual(predicted.value);
    expect(predicted.high).toBeGreaterThanOrEqual(predicted.value);
    if (law.kappa > 0)
      expect(found.peak.workers.value / Math.max(1, Math.sqrt((1 - law.sigma) / law.kappa))).toBeCloseTo(
        1,
        3,
      );
    else expect(found.peak.kind).toBe('none-in-sight');
    for (const { residual } of found.samples) expect(Math.abs(residual / law.lambda)).toBeLessThan(1e-5);
  });

  test('without errors has a narrow interval around its peak, and the best whole number beside it', () => {
    for (const [sigma, peak] of [
      [0.3, 10.1],
      [0.3, 9.9],
      [0.05, 5.52],
      [0.6, 3.3],
    ] as const) {
      const law = { lambda: 10, sigma, kappa: (1 - sigma) / peak ** 2 };
      const found = fit(follow(law, [1, 2, 3, 4, 6, 8, 12, 16]));
      expect(found.peak.workers.low).toBeGreaterThan(peak * 0.995);
      expect(found.peak.workers.high).toBeLessThan(peak * 1.005);
      const best = found.peak.bestWorkers ?? 0;
      const at = (workers: number): number => relativeCapacity(workers, sigma, law.kappa);
      expect(at(best)).toBeGreaterThan(Math.max(at(best - 1), at(best + 1)));
    }
  });

  test('where a peak is likely but not sure, it is none in sight: where it is most likely, and no upper end', () => {
    const error = noise(7);
    const { peak, kappa } = fit(
      follow({ lambda: 100, sigma: 0.05, kappa: 0.0008 }, [1, 2, 4, 6, 8, 10, 12], () => 8 * error()),
    );
    expect(kappa.value).toBeGreaterThan(0);
    expect(kappa.low).toBe(0);
    expect(peak).toMatchObject({ kind: 'none-in-sight', bestWorkers: null });
    expect(peak.workers.value).toBeLessThan(1000);
    expect(peak.workers.high).toBe(Infinity);
  });

  test('is found in any unit', () => {
    for (const unit of [1e-90, 1e90])
      expect(fit(SDM91.map((sample) => ({ ...sample, throughput: sample.throughput * unit })))).toMatchObject(
        {
          sigma: { value: expect.closeTo(0.0277285, 6) },
          peak: { kind: 'peak', bestWorkers: 97 },
        },
      );
  });

  test('is no farther from the samples than Levenberg–Marquardt gets', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const error = noise(seed);
      const measured = follow(
        { lambda: 100, sigma: 0.05, kappa: 0.002 },
        [1, 2, 4, 8, 12, 16, 24, 32],
        () => 8 * error(),
      );
      const found = fit(measured);
      const model =
        ([lambda = 0, sigma = 0, kappa = 0]: number[]) =>
        (workers: number): number =>
          lambda * relativeCapacity(workers, sigma, kappa);
      const peer = levenbergMarquardt(
        { x: measured.map(({ workers }) => workers), y: measured.map(({ throughput }) => throughput) },
        model,
        {
          initialValues: [found.lambda.value * 1.1, found.sigma.value + 0.01, found.kappa.value * 1.2],
          minValues: [0, 0, 0],
          maxValues: [1e6, 1, 10],
          gradientDifference: [1e-4, 1e-7, 1e-8],
          centralDifference: true,
          maxIterations: 60,
          errorTolerance: 1e-12,
        },
      );
      const squares = (at: (workers: number) => number): number =>
        measured.reduce((sum, { workers, throughput }) => sum + (throughput - at(workers)) ** 2, 0);
      const own = squares(model([found.lambda.value, found.sigma.value, found.kappa.value]));
      expect(own).toBeLessThanOrEqual(squares(model(peer.parameterValues)) * (1 + 1e-6));
    }
  });

  test('the truth is within the intervals about as often as they say', () => {
    const law = { lambda: 100, sigma: 0.3, kappa: 0.002 };
    const peak = Math.sqrt((1 - law.sigma) / law.kappa);
    const inside = { lambda: 0, sigma: 0, kappa: 0, peak: 0, throughput: 0 };
    const runs = 30;
    for (let seed = 1; seed <= runs; seed++) {
      const error = noise(seed * 31);
      const found = fit(
        follow(law, [1, 2, 4, 8, 16, 24, 32, 40], () => 5 * error()),
        { confidence: 0.8 },
      );
      const holds = ({ low, high }: { low: number; high: number }, truth: number): number =>
        low <= truth && truth <= high ? 1 : 0;
      inside.lambda += holds(found.lambda, law.lambda);
      inside.sigma += holds(found.sigma, law.sigma);
      inside.kappa += holds(found.kappa, law.kappa);
      inside.peak += holds(found.peak.workers, peak);
      inside.throughput += holds(
        found.peak.throughput,
        law.lambda * relativeCapacity(peak, law.sigma, law.kappa),
      );
    }
    for (const share of Object.values(inside).map((each) => each / runs)) {
      // Of 30 at 0.8: less than 0.58 and all of them once in 500 each.
      expect(share).toBeGreaterThan(0.58);
      expect(share).toBeLessThan(1);
    }
  });

  test('more confidence makes every interval wider, and more samples narrower', () => {
    const error = noise(5);
    const law = { lambda: 100, sigma: 0.05, kappa: 0.002 };
    const once = follow(law, [1, 2, 4, 8, 16, 32], () => 4 * error());
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    const [narrow, wide] = [fit(once, { confidence: 0.8 }), fit(once, { confidence: 0.99 })];
    for (const figure of ['lambda', 'sigma', 'kappa'] as const)
      expect(width(wide[figure])).toBeGreaterThan(width(narrow[figure]));
    const often = [0, 1, 2, 3].flatMap(() => follow(law, [1, 2, 4, 8, 16, 32], () => 4 * error()));
    expect(width(fit(often).kappa)).toBeLessThan(width(fit(once).kappa));
  });

  test('with errors in proportion to the throughput small samples count as much as large ones', () => {
    const law = { lambda: 100, sigma: 0.05, kappa: 0.0005 };
    const error = noise(9);
    const measured = follow(law, [1, 2, 4, 8, 16, 32, 64]).map((sample) => ({
      ...sample,
      throughput: sample.throughput * (1 + 0.03 * error()),
    }));
    const [relative, absolute] = [fit(measured, { errors: 'relative' }), fit(measured)];
    expect(Math.abs(relative.lambda.value / 100 - 1)).toBeLessThan(0.05);
    expect(relative.lambda.high - relative.lambda.low).toBeLessThan(
      absolute.lambda.high - absolute.lambda.low,
    );
    expect(relative.standardError).toBeLessThan(0.06);
  });

  test('a throughput that does not grow is contention alone: all of σ, and a peak of one worker or a flat ceiling', () => {
    const error = noise(3);
    const flat = fit(follow({ lambda: 100, sigma: 1, kappa: 0 }, [1, 2, 4, 8, 16, 32], () => 2 * error()));
    expect(flat.sigma.value).toBeGreaterThan(0.95);
    expect(flat.peak.throughput.value).toBeLessThan(110);
    const falling = fit(follow({ lambda: 100, sigma: 1, kappa: 0.2 }, [1, 2, 3, 4, 6, 8], () => error()));
    expect(falling.peak).toMatchObject({ kind: 'peak', bestWorkers: 1, isMeasured: true });
  });

  test('one that grows with every worker has neither peak nor ceiling in sight', () => {
    const error = noise(4);
    const { peak } = fit(follow({ lambda: 100, sigma: 0, kappa: 0 }, [1, 2, 3, 4, 6, 8], () => error()));
    expect(peak.kind).toBe('none-in-sight');
    expect(peak.throughput.high).toBe(Infinity);
    expect(peak.throughput.low).toBeGreaterThan(700);
    expect(peak.workers.low).toBeGreaterThan(8);
  });
});

describe('data that do not support a fit', () => {
  test('fewer than three different numbers of workers, however often', () => {
    const found = refusal(samples([1, 2, 1, 2, 1, 2], [10, 19, 10, 19, 11, 20]));
    expect(found).toMatchObject({
      reason: 'too-few-workers',
      message: 'measured with 2 different numbers of workers (1, 2), expected at least 3',
    });
    expect(refusal([]).reason).toBe('too-few-workers');
  });

  test('as many samples as parameters: a curve through all of them proves nothing', () => {
    expect(refusal(samples([1, 2, 4], [10, 19, 30])).reason).toBe('too-few-samples');
    expect(fitCapacity(samples([1, 2, 4, 1, 2, 4], [10, 19, 30, 10.1, 18.9, 30.2])).kind).toBe('fit');
  });

  test('more workers that do more each', () => {
    const error = noise(6);
    const found = refusal(
      [1, 2, 4, 8, 16].map((workers) => ({ workers, throughput: 10 * workers ** 1.25 + 0.1 * error() })),
    );
    expect(found.reason).toBe('superlinear');
    expect(found.message).toMatch(/^more workers do more each: σ would be -0\.\d+, expected at least 0$/);
  });

  test('errors as large as the throughput', () => {
    const found = refusal(samples([1, 2, 4, 8, 16, 32], [100, 20, 300, 40, 500, 60]));
    expect(found.reason).toBe('too-noisy');
    expect(found.message).toMatch(/expected at most 20\.0 %$/);
  });

  test('errors under which σ may be anything', () => {
    const found = refusal(samples([1, 2, 3, 1], [100, 140, 150, 130]));
    expect(found.reason).toBe('too-noisy');
    expect(found.message).toContain('σ may be anything from 0 to 1');
  });

  test('repeats that agree with each other and with no curve', () => {
    const shape = [10, 20, 40, 15, 45, 18];
    const measured = [1, 2, 4, 8, 16, 32].flatMap((workers, i) =>
      [0.99, 1, 1.01].map((factor) => ({ workers, throughput: (shape[i] as number) * factor })),
    );
    const found = refusal(measured);
    expect(found.reason).toBe('contradiction');
    expect(found.samples).toHaveLength(18);
  });
});

const REFUSED: [string, () => unknown, string][] = [
  ['no array', () => fitCapacity('1,2,3' as never), 'samples is "1,2,3", expected an array'],
  [
    'no sample',
    () => fitCapacity([null as never]),
    'samples[0].workers is undefined, expected an integer from 1',
  ],
  ['half a worker', () => fitCapacity(samples([1, 2.5], [1, 2])), 'samples[1].workers is 2.5'],
  [
    'no throughput',
    () => fitCapacity(samples([1, 2], [1, 0])),
    'samples[1].throughput is 0, expected a number from 1e-100 to 1e+100',
  ],
  ['no number', () => fitCapacity(samples([1, 2], [1, Number.NaN])), 'samples[1].throughput is NaN'],
  [
    'more different numbers than a fit is quick with',
    () => fitCapacity(Array.from({ length: 1001 }, (_, i) => ({ workers: i + 1, throughput: 1 }))),
    'different numbers of workers is 1001, expected at most 1000',
  ],
  [
    'certainty',
    () => fitCapacity([], { confidence: 1 }),
    'confidence is 1, expected a number from 0.5 to 0.999',
  ],
  ['other errors', () => fitCapacity([], { errors: 'none' as never }), 'errors is "none"'],
  [
    'an option that there is not',
    () => fitCapacity([], { level: 0.9 } as never),
    'option level of fitCapacity is "unknown"',
  ],
  ['half a prediction', () => fit(SDM91).predict(0), 'workers is 0, expected a number of at least 1'],
];

test.each(REFUSED)('%s is refused', (_, make, message) => {
  expect(make).toThrow(ArgumentRangeError);
  expect(make).toThrow(message);
});
