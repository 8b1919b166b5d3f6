/** The same bits for the same numbers, wherever they lie and whatever was computed before. More of it: docs/accuracy.md. */
import { describe, expect, it } from 'vitest';
import type { NearestProblem, SimilarityProblem } from '../lib/engine.ts';
import { casesOfSize, randomFrom, randomRows } from './cases.ts';
import { engineList, sessionOn } from './engine-list.ts';

/** The same numbers from another byte on: of a vector of 64, each place of a float. */
function moved(values: Float32Array, floats: number): Float32Array {
  const array = new Float32Array(values.length + floats).subarray(floats);
  array.set(values);
  return array;
}

const places = [1, 3, 7, 13];
/** Of both sizes, all kinds of candidates and most losses. */
const cases = casesOfSize.filter(({ labels: { length } }) => length > 30).filter((_, i) => i % 5 === 0);

describe.each(engineList)('$name gives the same bits', (engine) => {
  it('wherever in memory the rows lie', () => {
    for (const { embeddings, labels, options } of cases) {
      using session = sessionOn(engine, options);
      const expected = session.compute(embeddings, labels);
      for (const place of places) expect(session.compute(moved(embeddings, place), labels)).toEqual(expected);
    }
  });

  it('of similarities and neighbours too', () => {
    const [count, dim, k] = [70, 33, 5];
    const rows = randomRows(count, dim, randomFrom(3));
    const common = { anchorCount: count, candidateCount: count, dim, normalize: true, threads: 2 } as const;
    const problem = { ...common, checkFinite: 'throw', precision: 'exact', candidates: undefined } as const;
    const found = (anchors: Float32Array) => {
      const opened = engine.open();
      const out = new Float32Array(count * count);
      const nearest = { similarities: new Float32Array(count * k), indices: new Int32Array(count * k) };
      expect(opened.similarity({ ...problem, anchors, out } satisfies SimilarityProblem).status).toBe('ok');
      expect(opened.nearest({ ...problem, anchors, ...nearest } satisfies NearestProblem).status).toBe('ok');
      return { out, ...nearest };
    };
    const expected = found(rows);
    for (const place of places) expect(found(moved(rows, place))).toEqual(expected);
  });

  it('whatever the session computed before', () => {
    const settings = { dim: 24, pairLoss: { type: 'circle' } } as const;
    const batches = [3, 200, 17, 131, 64].map((count) => ({
      embeddings: randomRows(count, 24, randomFrom(count)),
      labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    }));
    const fresh = batches.map(({ embeddings, labels }) => {
      using session = sessionOn(engine, settings);
      return session.compute(embeddings, labels);
    });
    using session = sessionOn(engine, settings);
    for (const order of [batches.keys(), [...batches.keys()].reverse()]) {
      for (const at of order) {
        const bad = Float32Array.from(batches[at].embeddings).fill(Number.NaN, 5, 6);
        expect(() => session.compute(bad, batches[at].labels)).toThrow('finite');
        expect(session.compute(batches[at].embeddings, batches[at].labels)).toEqual(fresh[at]);
      }
    }
  });
});
