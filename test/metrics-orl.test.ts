/**
 * Descriptors of the ORL faces by a published network, where CIRCLE_LOSS_DATA names a folder that has them in
 * `orl_face_embeddings`: raw little-endian arrays, with lists in the layouts of LFW and of IJB-C. What is expected of
 * verification and of the folds are the baselines that come with them, written down with three digits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  aggregateTemplates,
  evaluateDistractors,
  evaluateFolds,
  evaluateIdentification,
  evaluateVerification,
  similaritiesOfPairs,
} from '../lib/metrics.ts';

const folder = process.env.CIRCLE_LOSS_DATA;
const dim = 128;
const perSubject = 10;

function numbersOf<T>(name: string, type: new (buffer: ArrayBuffer) => T): T {
  const bytes = readFileSync(join(folder!, 'orl_face_embeddings', name));
  return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
}

const linesOf = (name: string, separator: string) =>
  readFileSync(join(folder!, 'orl_face_embeddings/protocol', name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(separator));

/** The row of the i-th picture, from 1, of subject 's…', from 1. */
const rowOf = (subject: string, picture: string) => (Number(subject.slice(1)) - 1) * perSubject + Number(picture) - 1;

function testSet(name: string) {
  const all = numbersOf(name, Float32Array);
  const allLabels = numbersOf('labels.bin', Int32Array);
  const rows = [...numbersOf('split.bin', Uint8Array).entries()].filter(([, split]) => split !== 0).map(([row]) => row);
  const embeddings = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) embeddings.set(all.subarray(row * dim, (row + 1) * dim), i * dim);
  return { all, embeddings, labels: rows.map((row) => allLabels[row]) };
}

function allPairs(labels: readonly number[]) {
  const pairs: number[] = [];
  const same: boolean[] = [];
  for (let i = 0; i < labels.length; i++) {
    for (let j = i + 1; j < labels.length; j++) {
      pairs.push(i, j);
      same.push(labels[i] === labels[j]);
    }
  }
  return { pairs: Int32Array.from(pairs), same };
}

describe.skipIf(folder === undefined)('ORL faces (needs CIRCLE_LOSS_DATA)', () => {
  it.each([
    ['features.bin', [1, 0.994, 0.971], 0.0033],
    ['features_crop.bin', [0.701, 0.541], 0.122],
  ] as const)('verification over all pairs of test pictures, %s', (name, tars, rate) => {
    const { embeddings, labels } = testSet(name);
    const { pairs, same } = allPairs(labels);
    const falseAcceptRates = [1e-2, 1e-3, 1e-4].slice(0, tars.length);
    const result = evaluateVerification(similaritiesOfPairs(embeddings, pairs, { dim }), same, { falseAcceptRates });
    // 20 subjects with 10 pictures: 20 · 45 pairs of one, 200 · 199 / 2 in all.
    expect([result.genuine, result.impostor]).toEqual([900, 19_000]);
    // Half a unit of the last digit that is written down.
    for (const [i, { tar }] of result.tarAtFar.entries()) expect(Math.abs(tar - tars[i])).toBeLessThanOrEqual(0.0005);
    expect(Math.abs(result.equalErrorRate - rate)).toBeLessThanOrEqual(rate < 0.01 ? 0.00005 : 0.0005);
  });

  it.each(['midpoints', 'grid'] as const)('ten folds of pairs.txt, %s', (thresholds) => {
    const { all } = testSet('features.bin');
    const [[folds, perFold], ...lines] = linesOf('pairs.txt', '\t');
    expect(lines).toHaveLength(Number(folds) * 2 * Number(perFold));
    const pairs = lines.flatMap(([subject, picture, other, last]) =>
      last === undefined
        ? [rowOf(subject, picture), rowOf(subject, other)]
        : [rowOf(subject, picture), rowOf(other, last)],
    );
    const same = lines.map((line) => line.length === 3);
    const result = evaluateFolds(similaritiesOfPairs(all, pairs, { dim }), same, { folds: Number(folds), thresholds });
    expect(Math.abs(result.accuracy - 0.992)).toBeLessThanOrEqual(0.0005);
    expect(result.folds.map((fold) => fold.pairs)).toEqual(Array(10).fill(180));
  });

  it('templates of the lists in the layout of IJB-C', () => {
    const { all } = testSet('features.bin');
    const images = linesOf('orl_face_tid_mid.txt', ' ');
    const embeddings = new Float32Array(images.length * dim);
    for (const [i, [name]] of images.entries()) {
      const [subject, picture] = name.replace('.jpg', '').split('_');
      const row = rowOf(subject, picture);
      embeddings.set(all.subarray(row * dim, (row + 1) * dim), i * dim);
    }
    const templates = images.map(([, template]) => Number(template));
    const media = images.map(([, , medium]) => Number(medium));
    const aggregated = aggregateTemplates(embeddings, { dim, templates, media });
    expect(aggregated.templateIds).toHaveLength(60);

    const lines = linesOf('orl_template_pair_label.txt', ' ').map((line) => line.map(Number));
    const pairs = lines.flatMap((line) => line.slice(0, 2));
    const similarities = similaritiesOfPairs(aggregated.embeddings, pairs, { dim, ids: aggregated.templateIds });
    const same = lines.map(([, , label]) => label === 1);
    const result = evaluateVerification(similarities, same, { falseAcceptRates: [1e-3] });
    // Three or four pictures make a template better than one: single pictures reach .994 here.
    expect(result).toMatchObject({ genuine: 60, impostor: 1710 });
    expect(result.tarAtFar[0].tar).toBeGreaterThanOrEqual(0.994);

    // The first medium of each subject has two pictures; the template is near the plain mean, but is not it.
    const plain = aggregateTemplates(embeddings, { dim, templates, media: images.map((_, image) => image) });
    expect(plain.embeddings).not.toEqual(aggregated.embeddings);
  });

  it('identification in a gallery of every other subject, and among distractors', () => {
    const { all, embeddings, labels } = testSet('features.bin');
    const isGallery = (i: number) => i % perSubject === 0;
    const chosen = (keep: (i: number) => boolean) => {
      const rows = [...labels.keys()].filter(keep);
      return {
        embeddings: Float32Array.from(rows.flatMap((i) => [...embeddings.subarray(i * dim, (i + 1) * dim)])),
        labels: rows.map((i) => labels[i]),
      };
    };
    // A gallery of one picture of every other subject: the other subjects have no mate.
    const gallery = chosen((i) => isGallery(i) && labels[i] % 2 === 0);
    const result = evaluateIdentification(
      chosen((i) => !isGallery(i)),
      gallery,
      { dim, falsePositiveRates: [1 / 9] },
    );
    expect([result.mated, result.nonMated]).toEqual([90, 90]);
    // No baseline has these: every mate is the first, and above what 10 of the 90 others may pass.
    expect([result.cmc[0], result.tpirAtFpir[0]]).toMatchObject([1, { tpir: 1, reachedFpir: 10 / 90 }]);

    // The subjects of the other half are distractors.
    const distractors = all.subarray(0, 200 * dim);
    const among = evaluateDistractors({ embeddings, labels }, distractors, { dim, falseAcceptRates: [1e-3] });
    expect([among.couples, among.skipped]).toEqual([1800, 0]);
    const shares = among.identifiedAt.map(({ identified }) => identified);
    expect(among.identifiedAt.map((rate) => rate.distractors)).toEqual([10, 100, 200]);
    expect(shares).toEqual(shares.toSorted().reverse());
    // An ordered couple is a genuine pair twice; at 200 distractors the mate is ahead of all of them nearly always.
    expect(shares.at(-1)).toBeGreaterThanOrEqual(0.99);
  });
});
