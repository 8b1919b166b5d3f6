/** Identification, with and without distractors. */
import { evaluateDistractors, evaluateIdentification, type Identification } from '../metrics.ts';
import { cmcCurve, cmcRows } from './judge-retrieval.ts';
import type { Judgement } from './judgement.ts';
import type { EngineSettings } from './options.ts';
import { share } from './output.ts';
import type { LabelledSet } from './split.ts';

export interface IdentificationChoice {
  ranks?: number;
  far?: readonly number[];
}

export function judgeIdentification(
  dim: number,
  query: LabelledSet,
  gallery: LabelledSet,
  choice: IdentificationChoice,
  settings: EngineSettings,
): Judgement {
  const metrics = identify(dim, query, gallery, choice, settings);
  return { metrics, rows: identificationRows(metrics), curves: [cmcCurve(metrics.cmc)] };
}

/** Each gallery is searched by all queries; people read the means, as published numbers are. */
export function judgeGalleries(
  dim: number,
  query: LabelledSet,
  galleries: readonly LabelledSet[],
  choice: IdentificationChoice,
  settings: EngineSettings,
): Judgement {
  const found = galleries.map((gallery) => identify(dim, query, gallery, choice, settings));
  const meanOf = (of: (identification: Identification) => number) =>
    found.reduce((sum, identification) => sum + of(identification), 0) / found.length;
  const shortest = found.reduce((least, { cmc }) => Math.min(least, cmc.length), Number.POSITIVE_INFINITY);
  const cmc = Float64Array.from({ length: shortest }, (_, i) => meanOf((identification) => identification.cmc[i]));
  const tpirAtFpir = found[0].tpirAtFpir.map(({ fpir }, i) => ({
    fpir,
    tpir: meanOf((identification) => identification.tpirAtFpir[i].tpir),
  }));
  return {
    metrics: { cmc, tpirAtFpir, galleries: found },
    rows: [['galleries', String(found.length)], ...cmcRows(cmc), ...tpirRows(tpirAtFpir)],
    curves: [cmcCurve(cmc)],
  };
}

const identify = (
  dim: number,
  query: LabelledSet,
  gallery: LabelledSet,
  { ranks, far }: IdentificationChoice,
  settings: EngineSettings,
) => evaluateIdentification(query, gallery, { dim, ranks, falsePositiveRates: far, ...settings });

const identificationRows = ({ mated, nonMated, cmc, tpirAtFpir }: Identification) => [
  ['queries with a mate', String(mated)] as const,
  ['queries without', String(nonMated)] as const,
  ...cmcRows(cmc),
  ...tpirRows(tpirAtFpir),
];

const tpirRows = (points: readonly { fpir: number; tpir: number }[]) =>
  points.map(({ fpir, tpir }) => [`TPIR@FPIR ${fpir.toExponential()}`, share(tpir)] as const);

export interface DistractorChoice {
  far?: readonly number[];
  distractorCounts?: readonly number[];
}

export function judgeDistractors(
  dim: number,
  query: LabelledSet,
  distractors: Float32Array,
  { far, distractorCounts }: DistractorChoice,
  settings: EngineSettings,
): Judgement {
  const metrics = evaluateDistractors(query, distractors, {
    dim,
    distractorCounts,
    falseAcceptRates: far,
    ...settings,
  });
  const { queries, skipped, couples, identifiedAt, tarAtFar } = metrics;
  return {
    metrics,
    rows: [
      ['queries', String(queries)],
      ['skipped, for want of a mate', String(skipped)],
      ['couples of a query and a mate', String(couples)],
      ...identifiedAt.map((at) => [`rank-1 among ${at.distractors} distractors`, share(at.identified)] as const),
      ...tarAtFar.map(({ far: rate, tar }) => [`TAR@FAR ${rate.toExponential()}`, share(tar)] as const),
    ],
    curves: [
      {
        title: 'Rank-1 among distractors',
        x: 'distractors',
        y: 'rank-1',
        scale: 'log',
        points: identifiedAt.map((at) => [at.distractors, at.identified] as const),
      },
    ],
  };
}
