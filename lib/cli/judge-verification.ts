/** Verification: all pairs of labelled rows, or the pairs of a list. */
import { setImmediate as breathe } from 'node:timers/promises';
import { outOfMemory } from '../errors.ts';
import { computeSimilarity } from '../index.ts';
import { evaluateFolds, evaluateVerification, type Folds, type Verification } from '../metrics.ts';
import type { Curve, Judgement } from './judgement.ts';
import type { EngineSettings } from './options.ts';
import { share } from './output.ts';
import type { Bar } from './progress.ts';
import type { Comparison } from './split.ts';

export interface VerificationChoice {
  far?: readonly number[];
  rule?: 'strict' | 'nearest';
  thresholds?: 'midpoints' | 'grid';
}

export interface Pairs {
  similarities: Float32Array;
  /** 1 for a pair of one label. */
  same: Uint8Array;
  /** Of each pair, where there are some. */
  folds?: Int32Array;
}

/** Points of a ROC as it is drawn. */
const rocPoints = 200;

export function judgePairs({ similarities, same, folds }: Pairs, choice: VerificationChoice): Judgement {
  const { far, rule, thresholds } = choice;
  const verification = evaluateVerification(similarities, same, { falseAcceptRates: far, rule, rocPoints });
  const accuracy = folds && evaluateFolds(similarities, same, { folds, thresholds });
  return {
    metrics: { ...verification, ...(accuracy && { accuracy }) },
    rows: [...(accuracy ? foldRows(accuracy) : []), ...verificationRows(verification, far !== undefined)],
    curves: [rocCurve(verification)],
  };
}

const foldRows = ({ accuracy, standardDeviation, standardError, folds }: Folds) =>
  [
    ['folds', String(folds.length)],
    ['accuracy', share(accuracy)],
    ['its standard deviation', share(standardDeviation)],
    ['its standard error', share(standardError)],
  ] as const;

function verificationRows({ genuine, impostor, tarAtFar, equalErrorRate, auc }: Verification, areAsked: boolean) {
  // Rates that no impostor can reach say nothing that the rate before them does not; they are there for those who ask.
  const points = tarAtFar.filter(({ far }) => areAsked || far * impostor >= 1);
  return [
    ['genuine pairs', String(genuine)],
    ['impostor pairs', String(impostor)],
    ...points.map(({ far, tar }) => [`TAR@FAR ${far.toExponential()}`, share(tar)] as const),
    ['equal error rate', share(equalErrorRate)],
    ['AUC', auc.toFixed(6)],
  ] as const;
}

/** What is accepted by mistake has no place on a logarithmic axis where it is nothing. */
function rocCurve({ roc }: Verification): Curve {
  const points = Array.from(roc!.far, (far, i) => [far, roc!.tar[i]] as const).filter(([far]) => far > 0);
  return {
    title: 'Receiver operating characteristic',
    x: 'false accept rate',
    y: 'true accept rate',
    scale: 'log',
    points,
  };
}

/** Similarities at a time: 16 MiB. */
const pieceNumbers = 2 ** 22;

/** Every unordered pair of a query and another gallery row once. */
export async function allPairs(comparison: Comparison, settings: EngineSettings, bar: Bar): Promise<Pairs> {
  const { dim, query, gallery = query } = comparison;
  const width = gallery.labels.length;
  const places = placesOf(comparison);
  const pairs = allocatePairs(countPairs(places, width));
  const rowsAtATime = Math.max(1, Math.floor(pieceNumbers / width));
  let filled = 0;
  for (let first = 0; first < query.labels.length; first += rowsAtATime) {
    const anchors = query.embeddings.subarray(first * dim, (first + rowsAtATime) * dim);
    const similarities = computeSimilarity(anchors, { dim, candidates: gallery.embeddings, ...settings });
    const rows = anchors.length / dim;
    for (let i = 0; i < rows; i++) {
      const label = query.labels[first + i];
      for (let column = 0; column < width; column++) {
        if (!isPair(places, first + i, column)) continue;
        pairs.similarities[filled] = similarities[i * width + column];
        pairs.same[filled] = label === gallery.labels[column] ? 1 : 0;
        filled++;
      }
    }
    bar.advance(rows);
    await breathe(); // so that the bar moves
  }
  return pairs;
}

/** Rows that are query and gallery. */
interface Places {
  /** Of each query its place in the gallery, or −1. */
  ofQuery: Int32Array;
  /** Of each gallery row its place among the queries, or −1. */
  ofRow: Int32Array;
}

function placesOf({ query, gallery, own }: Comparison): Places {
  const queries = query.labels.length;
  if (gallery === undefined) {
    const all = Int32Array.from({ length: queries }, (_, row) => row);
    return { ofQuery: all, ofRow: all };
  }
  const ofQuery = own ?? new Int32Array(queries).fill(-1);
  const ofRow = new Int32Array(gallery.labels.length).fill(-1);
  ofQuery.forEach((row, place) => {
    if (row >= 0) ofRow[row] = place;
  });
  return { ofQuery, ofRow };
}

/** Not with itself; and two rows that both are query and gallery meet when the earlier one asks. */
function isPair({ ofQuery, ofRow }: Places, row: number, column: number): boolean {
  const other = ofRow[column];
  return other < 0 || ofQuery[row] < 0 || other > row;
}

function countPairs({ ofQuery }: Places, width: number): number {
  let count = 0;
  let met = 0;
  for (const place of ofQuery) count += place < 0 ? width : width - ++met;
  return count;
}

function allocatePairs(count: number): Pairs {
  try {
    return { similarities: new Float32Array(count), same: new Uint8Array(count) };
  } catch (cause) {
    throw outOfMemory(`the similarities of ${count} pairs`, cause);
  }
}
