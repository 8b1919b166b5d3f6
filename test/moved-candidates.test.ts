/** Candidates that an engine moves in place, and candidates that are some of the rows: what a class head is made of. */
import { describe, expect, it } from 'vitest';
import { createDeviceMatrix, type DeviceMatrix, type PairLoss } from '../lib/index.ts';
import { loadCpu } from '../lib/load-native.ts';
import { nativeStatus, reportFields, requestFields } from '../lib/native.ts';
import { momentCount, type Optimizer, resolveOptimizer, stepInPlace } from '../lib/optimizers.ts';
import type { CandidateRows, PairLossOptions } from '../lib/options.ts';
import { createProblem } from '../lib/problem.ts';
import { run } from '../lib/run.ts';
import { randomFrom, randomRows } from './cases.ts';
import { engineList, type ListedEngine, settingsOf } from './engine-list.ts';

const [count, all, dim] = [70, 300, 45];
/** Neither the first row nor the last, and not in one piece. */
const chosen = Int32Array.from({ length: all }, (_, row) => row).filter((row) => row % 3 === 1);
const embeddings = randomRows(count, dim, randomFrom(1));
const rows = randomRows(all, dim, randomFrom(2));
const labels = Int32Array.from({ length: count }, (_, i) => chosen[(i * 7) % 40]);

const optimizers: Record<string, Optimizer> = {
  'plain sgd': { type: 'sgd', learningRate: 0.1 },
  'sgd with momentum and weight decay': { type: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 },
  adam: { type: 'adam', learningRate: 0.01, weightDecay: 0.01 },
};
const pairLosses: PairLoss[] = [
  { type: 'circle', gamma: 32, margin: 0.25 }, // the default depends on the kind of candidates
  { type: 'arcface', gamma: 16 },
  { type: 'triplet', margin: 0.3 },
];

/** Weights, moments and what a step may round: in arrays, or of a CUDA engine on its device. */
class Parameters {
  readonly values: CandidateRows[];

  constructor(arrays: Float32Array[], engine: ListedEngine) {
    this.values = arrays.map((array) =>
      engine.name.startsWith('cuda') ? createDeviceMatrix(array, { dim }) : array.slice(),
    );
  }

  read(): Float32Array[] {
    return this.values.map((rows) => (rows instanceof Float32Array ? rows : rows.read()));
  }

  [Symbol.dispose](): void {
    for (const rows of this.values) if (!(rows instanceof Float32Array)) (rows as DeviceMatrix).dispose();
  }
}

/** Of Adam's bias corrections. */
const stepNumber = 3;

interface Parameter {
  weight: number;
  gradient: number;
  /** Before the step, and of the second one after it. */
  firstMoment: number;
  secondMoment: number;
}

/**
 * How far a step in float32 may be from one in double precision that is rounded at the end, u = 2⁻²⁴. The weight is rounded
 * once on either side. What it moves by is a sum of three terms, off by 4u of their sizes; Adam divides it by the root of
 * another such sum, with coefficients that are rounded too: 16u in all.
 */
function boundOf(optimizer: Optimizer, { weight, gradient, firstMoment, secondMoment }: Parameter): number {
  const resolved = resolveOptimizer(optimizer);
  const fresh = Math.abs(gradient) + resolved.weightDecay * Math.abs(weight);
  const kept = Math.abs(firstMoment);
  const unit = 2 ** -24;
  if (resolved.type === 'sgd') {
    return unit * (2 * Math.abs(weight) + 4 * resolved.learningRate * (resolved.momentum * kept + fresh));
  }
  const { learningRate, beta1, beta2, epsilon } = resolved;
  const mean = (beta1 * kept + (1 - beta1) * fresh) / (1 - beta1 ** stepNumber);
  const root = Math.sqrt(secondMoment / (1 - beta2 ** stepNumber)) + epsilon;
  return unit * (2 * Math.abs(weight) + (16 * learningRate * mean) / root);
}

describe.each(engineList)('$name', (engine) => {
  const problemOn = (arrays: object, pairLoss: PairLoss, workspaceLimit?: number) => {
    const settings = settingsOf({ dim, pairLoss } as PairLossOptions);
    return createProblem(
      { ...settings, workspaceLimit, engine: engine.name.startsWith('cuda') ? 'cuda' : 'auto' },
      arrays,
      embeddings,
      labels,
    );
  };

  /** The gradient of those rows as candidates of their own. */
  const gradientOf = (pairLoss: PairLoss, taken: Int32Array, workspaceLimit?: number) => {
    const candidates = new Float32Array(taken.length * dim);
    taken.forEach((row, i) => void candidates.set(rows.subarray(row * dim, (row + 1) * dim), i * dim));
    const settings = {
      ...settingsOf({ dim, pairLoss } as PairLossOptions),
      workspaceLimit,
      candidateGradient: 'compute' as const,
    };
    const problem = createProblem(settings, { candidates, candidateLabels: taken }, embeddings, labels);
    return run(engine.open(), problem);
  };

  describe.each(pairLosses)('$type', (pairLoss) => {
    it.each(Object.entries(optimizers))('%s moves class weights as their gradient says', (_, optimizer) => {
      // In many panels, and in one.
      for (const [candidateRows, workspaceLimit] of [
        [undefined, 0],
        [chosen, undefined],
      ] as const) {
        const taken = candidateRows ?? Int32Array.from({ length: all }, (_, row) => row);
        const resolved = resolveOptimizer(optimizer);
        const before = [
          rows,
          randomRows(all, dim, randomFrom(3)),
          randomRows(all, dim, randomFrom(4)).map(Math.abs),
        ].slice(0, 1 + momentCount(resolved));
        using parameters = new Parameters(before, engine);
        const [classWeights, firstMoment, secondMoment] = parameters.values;
        const update = { optimizer: resolved, step: stepNumber, firstMoment, secondMoment };
        const result = run(engine.open(), problemOn({ classWeights, candidateRows, update }, pairLoss, workspaceLimit));
        const { candidateGradient, ...expected } = gradientOf(pairLoss, taken, workspaceLimit);
        expect(result).toEqual(expected);

        const after = before.map((array) => array.slice());
        const onHost = { ...update, firstMoment: after[1], secondMoment: after[2] };
        taken.forEach((row, i) => void stepInPlace(onHost, candidateGradient!, i * dim, after[0], row * dim, dim));
        const found = parameters.read();
        let moved = 0;
        taken.forEach((row, i) => {
          for (let d = 0; d < dim; d++) {
            const k = row * dim + d;
            const bound = boundOf(optimizer, {
              weight: before[0][k],
              gradient: candidateGradient![i * dim + d],
              firstMoment: before[1]?.[k] ?? 0,
              secondMoment: after[2]?.[k] ?? 0,
            });
            if (Math.abs(found[0][k] - after[0][k]) > bound)
              expect.fail(`row ${row}, ${d}: ${found[0][k]}, not ${after[0][k]}`);
            moved += Number(found[0][k] !== before[0][k]);
          }
        });
        expect(moved).toBeGreaterThan(
          0.9 * taken.length * dim * (optimizer.weightDecay || pairLoss.type !== 'triplet' ? 1 : 0),
        );
        // Moments: sums of terms of the gradient's and their own size.
        for (const i of [1, 2]) {
          if (after[i] === undefined) continue;
          const size = 1 + after[i].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expect(largestDifference(found[i], after[i])).toBeLessThanOrEqual(4 * 2 ** -24 * size);
        }
        // What was not taken keeps its bits.
        for (const [i, array] of found.entries()) {
          const others = [...array.keys()].filter((k) => !taken.includes(Math.floor(k / dim)));
          expect(others.every((k) => array[k] === before[i][k])).toBe(true);
        }
      }
    });
  });

  it('some rows of labelled candidates are candidates of their own', () => {
    using held = new Parameters([rows], engine);
    const pairLoss = pairLosses[0];
    const problem = problemOn({ candidates: held.values[0], candidateRows: chosen, candidateLabels: chosen }, pairLoss);
    const { candidateGradient: _, ...expected } = gradientOf(pairLoss, chosen);
    expect(run(engine.open(), problem)).toEqual(expected);
  });

  it('rows that are not finite are named by their place among all', () => {
    const spoilt = rows.slice();
    spoilt[chosen[17] * dim + 5] = Number.NaN;
    spoilt[(chosen[3] + 1) * dim] = Number.NaN; // nobody looks there
    using held = new Parameters([spoilt], engine);
    const update = {
      optimizer: resolveOptimizer(optimizers['plain sgd']),
      step: 1,
      firstMoment: undefined,
      secondMoment: undefined,
    };
    const problem = problemOn({ classWeights: held.values[0], candidateRows: chosen, update }, pairLosses[0]);
    expect(() => run(engine.open(), problem)).toThrow(`at row ${chosen[17]}`);
    expect(held.read()[0]).toEqual(spoilt);
  });
});

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

/** The addon itself, which lib/ never calls so. */
describe('circle_cpu.node re-checks what a call moves and takes', () => {
  const { module } = loadCpu();
  const invalid = nativeStatus.invalid;

  interface Change {
    fields?: Partial<Record<(typeof requestFields)[number], number>>;
    candidates?: Float32Array;
    candidateGradient?: Float32Array;
    rows?: Int32Array;
    first?: Float32Array;
    second?: Float32Array;
  }

  /** Three class weights of dim 2, one anchor of class 1, plain SGD; and what is wrong. */
  const status = ({ fields, candidates = Float32Array.of(1, 0, 0, 1, 1, 1), ...change }: Change) => {
    const all = {
      anchorCount: 1,
      candidateCount: 3,
      dim: 2,
      candidateKind: 2,
      gamma: 1,
      threads: 1,
      optimizer: 1,
      step: 1,
    };
    const request = Float64Array.from(requestFields, (name) => ({ ...all, ...fields })[name as keyof typeof all] ?? 0);
    const before = candidates.slice();
    const found = new module!.Session('baseline', 0).compute(
      request,
      new Float64Array(reportFields.length),
      Float32Array.of(0.6, 0.8),
      Int32Array.of(1),
      candidates,
      undefined,
      undefined,
      new Float32Array(1),
      new Float32Array(2),
      change.candidateGradient,
      change.rows,
      change.first,
      change.second,
    );
    if (found !== 0) expect(candidates).toEqual(before);
    return found;
  };
  const momentum = { momentum: 0.9 };

  it.skipIf(!module)('lets pass what fits', () => {
    expect(status({})).toBe(0);
    expect(status({ fields: momentum, first: new Float32Array(6) })).toBe(0);
    expect(status({ fields: { optimizer: 2 }, first: new Float32Array(6), second: new Float32Array(6) })).toBe(0);
    expect(status({ fields: { candidateCount: 2 }, rows: Int32Array.of(1, 2) })).toBe(0);
  });

  it.skipIf(!module)('and nothing that does not', () => {
    expect(status({ fields: { optimizer: 3 } })).toBe(invalid);
    expect(status({ candidateGradient: new Float32Array(6) })).toBe(invalid);
    expect(status({ first: new Float32Array(6) })).toBe(invalid);
    expect(status({ fields: momentum })).toBe(invalid);
    expect(status({ fields: momentum, first: new Float32Array(4) })).toBe(invalid);
    expect(status({ fields: { optimizer: 2 }, first: new Float32Array(6) })).toBe(invalid);
    expect(status({ fields: { optimizer: 0 }, first: new Float32Array(6) })).toBe(invalid);
    for (const rows of [[1], [2, 1], [1, 1], [-1, 1], [1, 3], [0, 1, 2]]) {
      expect(status({ fields: { candidateCount: 2 }, rows: Int32Array.from(rows) }), String(rows)).toBe(invalid);
    }
    expect(status({ candidates: new Float32Array(7), rows: Int32Array.of(0, 1, 2) })).toBe(invalid);
    expect(() => status({ rows: Float32Array.of(0, 1, 2) as never })).toThrow(TypeError);
    expect(() => status({ first: new Float64Array(6) as never })).toThrow(TypeError);
  });
});
