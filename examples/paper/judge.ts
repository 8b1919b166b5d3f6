/** The paper's three tasks, asked of the same embeddings. */
import { computeSimilarity } from 'circle-loss';
import { evaluateReIdentification, evaluateRetrieval, evaluateVerification } from 'circle-loss/metrics';
import { type Rows, selectRows } from '../data/rows.ts';
import type { Place } from './learn.ts';
import { type Task, tasks } from './losses.ts';
import type { Side } from './subjects.ts';

const falseAcceptRates = [1e-2, 1e-3, 1e-4];
const recallAt = [1, 2, 4, 8];

export const measuresOf: Readonly<Record<Task, readonly string[]>> = {
  verification: [...falseAcceptRates.map(nameOfRate), 'EER'],
  're-identification': ['rank-1', 'rank-5', 'mAP'],
  retrieval: [...recallAt.map((k) => `Recall@${k}`), 'MAP@R'],
};

/** The one that decides about a task: the paper's own, but for mAP, which rank-1 stands beside there. */
export const headline: Readonly<Record<Task, string>> = {
  verification: nameOfRate(1e-3),
  're-identification': 'mAP',
  retrieval: 'Recall@1',
};

/** What settings are chosen by, on the validation part: it looks at all that a query should find, so chance has less say. */
export const tuningMeasure = 'MAP@R';

export const everyMeasure = tasks.flatMap((task) => measuresOf[task]);

/** By names of measures. */
export type Scores = Readonly<Record<string, number>>;

function nameOfRate(rate: number): string {
  return `TAR@FAR=1e${Math.round(Math.log10(rate))}`;
}

/** All tasks that the side has what it takes for. */
export function judge(embeddings: Rows, side: Side, askingCameras: readonly number[], place: Place): Scores {
  return {
    ...verify(embeddings, side.labels, place),
    ...(side.cameras ? reIdentify(embeddings, side.labels, side.cameras, askingCameras, place) : {}),
    ...retrieve(embeddings, side.labels, place),
  };
}

/** Every picture looks for its like among all others. */
export function retrieve({ values, dim }: Rows, labels: Int32Array, place: Place): Scores {
  const { recallAt: recalls, mapAtR } = evaluateRetrieval(values, labels, { dim, recallAt, ...place });
  return { ...Object.fromEntries(recalls.map(({ k, recall }) => [`Recall@${k}`, recall])), 'MAP@R': mapAtR };
}

/** The drawings of some cameras ask, those of the others answer. */
function reIdentify(
  embeddings: Rows,
  labels: Int32Array,
  cameras: Uint8Array,
  askingCameras: readonly number[],
  place: Place,
): Scores {
  const setOf = (isAsking: boolean) => {
    const rows = [...labels.keys()].filter((row) => askingCameras.includes(cameras[row]) === isAsking);
    return {
      embeddings: selectRows(embeddings, rows).values,
      labels: Int32Array.from(rows, (row) => labels[row]),
      cameras: Int32Array.from(rows, (row) => cameras[row]),
    };
  };
  const { cmc, map } = evaluateReIdentification(setOf(true), setOf(false), { dim: embeddings.dim, ...place });
  return { 'rank-1': cmc[0], 'rank-5': cmc[4], mAP: map };
}

/** Every pair of pictures i < j: of one class or not? */
function verify({ values, dim }: Rows, labels: Int32Array, place: Place): Scores {
  const count = labels.length;
  const matrix = computeSimilarity(values, { dim, ...place });
  const similarities = new Float32Array((count * (count - 1)) / 2);
  const same = new Uint8Array(similarities.length);
  let pair = 0;
  for (let i = 0; i < count; i++) {
    similarities.set(matrix.subarray(i * count + i + 1, (i + 1) * count), pair);
    for (let j = i + 1; j < count; j++) same[pair++] = labels[i] === labels[j] ? 1 : 0;
  }
  const { tarAtFar, equalErrorRate } = evaluateVerification(similarities, same, { falseAcceptRates });
  return { ...Object.fromEntries(tarAtFar.map(({ far, tar }) => [nameOfRate(far), tar])), EER: equalErrorRate };
}
