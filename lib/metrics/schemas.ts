/** The zod schemas of the metrics' options; arrays that are long are checked by hand. */
import { z } from 'zod';
import { array, choice, count, searchShape, signal, strict } from '../schemas.ts';

const share = 'a number from 0 to 1';
const rate = z.number({ error: share }).min(0, { error: share }).max(1, { error: share });
const listOf = <T extends z.ZodType>(item: T, error: string) => z.array(item, { error }).min(1, { error });
const rates = listOf(rate, 'an array of numbers from 0 to 1, at least one').optional();
const integer = count('an integer from 1');
const integers = listOf(integer, 'an array of integers from 1, at least one').optional();

const fewestPoints = 'an integer from 3';
const { dim, normalize } = searchShape;
const label = 'an integer from -2147483648 to 2147483647';
const retrievalShape = { ...searchShape, recallAt: integers, gallery: array, galleryLabels: array, own: array };
const reIdentificationShape = {
  ...searchShape,
  ranks: integer.optional(),
  junkLabel: z.int32({ error: label }).optional(),
};
const identificationShape = { ranks: integer.optional(), falsePositiveRates: rates, withinRank: integer.optional() };

export const metricSchemas = {
  retrieval: strict(retrievalShape),
  retrievalAsync: strict({ ...retrievalShape, signal }),
  reIdentification: strict(reIdentificationShape),
  reIdentificationAsync: strict({ ...reIdentificationShape, signal }),
  verification: strict({
    falseAcceptRates: rates,
    rule: choice(['strict', 'nearest']),
    rocPoints: z.int({ error: fewestPoints }).min(3, { error: fewestPoints }).optional(),
  }),
  folds: strict({ folds: array, thresholds: array }),
  templates: strict({ dim, templates: array, media: array, weights: array, imageNorms: choice(['keep', 'drop']) }),
  pairs: strict({ dim, ids: array, normalize }),
  identification: strict({ ...searchShape, ...identificationShape }),
  identificationMatrix: strict({ queryLabels: array, galleryLabels: array, ...identificationShape }),
  distractors: strict({ ...searchShape, distractorCounts: integers, ranks: integers, falseAcceptRates: rates }),
};
