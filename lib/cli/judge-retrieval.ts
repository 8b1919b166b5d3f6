/** Retrieval and re-identification. */
import { evaluateReIdentificationAsync, evaluateRetrievalAsync } from '../metrics.ts';
import type { Judgement } from './judgement.ts';
import type { EngineSettings } from './options.ts';
import { share } from './output.ts';
import type { Comparison, LabelledSet } from './split.ts';

/** The K of Recall@K where none are asked for: with a curve of it. */
const defaultRecallAt = [1, 2, 4, 8];

export async function judgeRetrieval(
  { dim, query, gallery, own }: Comparison,
  { recallAt = defaultRecallAt }: { recallAt?: readonly number[] },
  settings: EngineSettings,
): Promise<Judgement> {
  const metrics = await evaluateRetrievalAsync(query.embeddings, query.labels, {
    dim,
    recallAt,
    ...(gallery && { gallery: gallery.embeddings, galleryLabels: gallery.labels, own }),
    ...settings,
  });
  const points = metrics.recallAt.map(({ k, recall }) => [k, recall] as const).sort(([a], [b]) => a - b);
  return {
    metrics,
    rows: [
      ...countRows(metrics),
      ...metrics.recallAt.map(({ k, recall }) => [`Recall@${k}`, share(recall)] as const),
      ['R-precision', share(metrics.rPrecision)],
      ['MAP@R', share(metrics.mapAtR)],
      ['mAP', share(metrics.map)],
    ],
    curves: [{ title: 'Recall@K', x: 'K', y: 'Recall@K', scale: 'log', points }],
  };
}

/** Ranks of the table. */
const shownRanks = [1, 5, 10, 20];

export interface ReIdentificationChoice {
  ranks?: number;
  junkLabel?: number;
}

export type CameraSet = LabelledSet & { cameras: Int32Array };

export async function judgeReIdentification(
  dim: number,
  query: CameraSet,
  gallery: CameraSet,
  choice: ReIdentificationChoice,
  settings: EngineSettings,
): Promise<Judgement> {
  const metrics = await evaluateReIdentificationAsync(query, gallery, { dim, ...choice, ...settings });
  return {
    metrics,
    rows: [...countRows(metrics), ...cmcRows(metrics.cmc), ['mAP', share(metrics.map)]],
    curves: [cmcCurve(metrics.cmc)],
  };
}

const countRows = ({ queries, skipped }: { queries: number; skipped: number }) =>
  [
    ['queries', String(queries)],
    ['skipped, for want of a match', String(skipped)],
  ] as const;

export const cmcRows = (cmc: Float64Array) =>
  shownRanks.filter((rank) => rank <= cmc.length).map((rank) => [`rank-${rank}`, share(cmc[rank - 1])] as const);

export const cmcCurve = (cmc: Float64Array) => ({
  title: 'Cumulative matching characteristic',
  x: 'rank',
  y: 'share of queries with a match',
  scale: 'linear' as const,
  points: Array.from(cmc, (found, i) => [i + 1, found] as const),
});
