/** Nearest candidates and ranks of every engine, held against a sort of the same engine's similarity matrix. */
import { describe, expect, it } from 'vitest';
import type { Engine, NearestProblem, RankProblem, RowsProblem } from '../lib/engine.ts';
import { randomFrom } from './cases.ts';
import { engineList } from './engine-list.ts';

interface Shape {
  anchors: number;
  /** undefined: the anchors themselves. */
  candidates?: number;
  dim: number;
}

/** One tile and several, whole and not; batches of a tile with dimensions enough for slices; many anchors or candidates only. */
const shapes: Shape[] = [
  { anchors: 2, dim: 1 },
  { anchors: 97, dim: 5 },
  { anchors: 200, dim: 33 },
  { anchors: 40, dim: 2048 },
  { anchors: 450, dim: 8 },
  { anchors: 1, candidates: 1, dim: 3 },
  { anchors: 3, candidates: 1000, dim: 7 },
  { anchors: 900, candidates: 5, dim: 4 },
  { anchors: 230, candidates: 410, dim: 64 },
];

/** Small integers, so that many similarities are equal: whole rows are, and others point the same way. */
function rowsWithTwins(count: number, dim: number, random: () => number): Float32Array {
  const values = Float32Array.from({ length: count * dim }, () => Math.floor(random() * 5) - 2);
  for (let row = 1; row < count; row += 3) {
    const twin = Math.floor(random() * count);
    values.copyWithin(row * dim, twin * dim, (twin + 1) * dim);
  }
  return values;
}

function rowsOf({ anchors, candidates, dim }: Shape, normalize: boolean) {
  const random = randomFrom(anchors + 1000 * (candidates ?? 0) + dim);
  return {
    anchorCount: anchors,
    candidateCount: candidates ?? anchors,
    dim,
    normalize,
    checkFinite: 'throw' as const,
    threads: 2,
    precision: 'exact' as const,
    anchors: rowsWithTwins(anchors, dim, random),
    candidates: candidates === undefined ? undefined : rowsWithTwins(candidates, dim, random),
  };
}

/** On a GPU a sum and its mirror image may differ by a bit: searches take a batch for any other rows there. */
function matrixOf(engine: Engine, rows: RowsProblem): Float32Array {
  const out = new Float32Array(rows.anchorCount * rows.candidateCount);
  const candidates = engine.name === 'cuda' ? (rows.candidates ?? rows.anchors) : rows.candidates;
  expect(engine.similarity({ ...rows, candidates, out }).status).toBe('ok');
  return out;
}

const nearestProblem = (rows: RowsProblem, k: number): NearestProblem => ({
  ...rows,
  checkFinite: 'throw',
  similarities: new Float32Array(rows.anchorCount * k),
  indices: new Int32Array(rows.anchorCount * k),
});

/** Own runs as sorted labels have them: of symmetric rows each anchor's contains itself, and some are empty otherwise. */
function rankProblem(rows: RowsProblem, runs: number): RankProblem {
  const { anchorCount, candidateCount } = rows;
  const bound = (run: number) => Math.floor((run * candidateCount) / runs);
  const runOf = (anchor: number) => {
    if (rows.candidates !== undefined) return anchor % (runs + 1); // the last is of nobody
    let run = 0;
    while (bound(run + 1) <= anchor) run++;
    return run;
  };
  const anchors = Array.from({ length: anchorCount }, (_, anchor) => runOf(anchor));
  const ownFirst = Int32Array.from(anchors, (run) => (run === runs ? 0 : bound(run)));
  const ownEnd = Int32Array.from(anchors, (run) => (run === runs ? 0 : bound(run + 1)));
  const pairs = ownEnd.reduce((sum, end, anchor) => sum + end - ownFirst[anchor], 0);
  const results = { similarities: new Float32Array(pairs), reachedBy: new Int32Array(pairs) };
  return { ...rows, checkFinite: 'throw', ownFirst, ownEnd, ...results };
}

describe.each(engineList)('$name', (listed) => {
  it.each(shapes.flatMap((shape) => [true, false].map((normalize) => ({ ...shape, normalize }))))(
    'the nearest are the first of the sorted matrix: $anchors × $candidates of dim $dim, normalize $normalize',
    ({ normalize, ...shape }) => {
      const engine = listed.open();
      const rows = rowsOf(shape, normalize);
      const matrix = matrixOf(engine, rows);
      const most = rows.candidateCount - (rows.candidates ? 0 : 1);
      for (const k of new Set([1, Math.min(3, most), Math.min(17, most), most])) {
        const problem = nearestProblem(rows, k);
        expect(engine.nearest(problem).status).toBe('ok');
        for (let anchor = 0; anchor < rows.anchorCount; anchor++) {
          const similarities = matrix.subarray(anchor * rows.candidateCount, (anchor + 1) * rows.candidateCount);
          const candidates = [...similarities.keys()].filter((c) => rows.candidates !== undefined || c !== anchor);
          const expected = candidates.sort((a, b) => similarities[b] - similarities[a] || a - b).slice(0, k);
          expect([...problem.indices.subarray(anchor * k, (anchor + 1) * k)]).toEqual(expected);
          const found = problem.similarities.subarray(anchor * k, (anchor + 1) * k);
          expect([...found]).toEqual(expected.map((candidate) => similarities[candidate]));
        }
      }
    },
  );

  it.each(shapes.flatMap((shape) => [1, 3, 40].map((runs) => ({ ...shape, runs }))))(
    'ranks count the others of the matrix: $anchors × $candidates of dim $dim in $runs runs',
    ({ runs, ...shape }) => {
      const engine = listed.open();
      for (const normalize of [true, false]) {
        const rows = rowsOf(shape, normalize);
        const matrix = matrixOf(engine, rows);
        const problem = rankProblem(rows, runs);
        expect(engine.rank(problem).status).toBe('ok');
        let place = 0;
        for (let anchor = 0; anchor < rows.anchorCount; anchor++) {
          const [first, end] = [problem.ownFirst[anchor], problem.ownEnd[anchor]];
          const similarities = matrix.subarray(anchor * rows.candidateCount, (anchor + 1) * rows.candidateCount);
          const others = [...similarities].filter((_, candidate) => candidate < first || candidate >= end);
          const own = [...similarities.subarray(first, end)];
          expect([...problem.similarities.subarray(place, place + own.length)]).toEqual(own);
          const reached = own.map((similarity) => others.filter((other) => other >= similarity).length);
          expect([...problem.reachedBy.subarray(place, place + own.length)]).toEqual(reached);
          place += own.length;
        }
      }
    },
  );

  it('equal rows are equally similar, on whichever side of an anchor they lie', () => {
    const random = randomFrom(12);
    const [half, dim] = [60, 512];
    const once = Float32Array.from({ length: half * dim }, () => random() - 0.5);
    const anchors = new Float32Array(2 * once.length);
    anchors.set(once);
    anchors.set(once, once.length);
    const rows = { ...rowsOf({ anchors: 2 * half, dim }, true), anchors };
    const problem = nearestProblem(rows, 2 * half - 1);
    expect(listed.open().nearest(problem).status).toBe('ok');
    for (let anchor = 0; anchor < 2 * half; anchor++) {
      const own = problem.similarities.subarray(anchor * (2 * half - 1), (anchor + 1) * (2 * half - 1));
      const found = problem.indices.subarray(anchor * (2 * half - 1), (anchor + 1) * (2 * half - 1));
      const similarities = new Map(Array.from(found, (candidate, i) => [candidate, own[i]]));
      for (let row = 0; row < half; row++) {
        if (anchor % half !== row) expect(similarities.get(row)).toBe(similarities.get(row + half));
      }
    }
  });

  it('a row that is not finite is named, and nothing is a result', () => {
    const rows = rowsOf({ anchors: 5, candidates: 300, dim: 4 }, true);
    rows.candidates![4 * 211 + 2] = Number.NaN;
    const expected = { status: 'notFinite', array: 'candidates', row: 211 };
    expect(listed.open().nearest(nearestProblem(rows, 2))).toMatchObject(expected);
    expect(listed.open().rank(rankProblem(rows, 3))).toMatchObject(expected);
  });

  it('similarities beyond float32 are reported, not ranked', () => {
    const values = Float32Array.of(3e38, -3e38, 3e38, 3e38, 1, 1);
    const rows = { ...rowsOf({ anchors: 3, dim: 2 }, false), anchors: values };
    expect(listed.open().rank(rankProblem(rows, 1)).status).toBe('overflow');
    expect(listed.open().nearest(nearestProblem(rows, 2)).status).toBe('overflow');
  });
});
