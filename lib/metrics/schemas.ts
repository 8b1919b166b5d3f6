/** The zod schemas of the metrics' options; arrays that are long are checked by hand. */
import { z } from 'zod';
import { isArray } from '../arrays.ts';
import { array, choice, count, searchShape, signal, strict } from '../schemas.ts';

const share = 'a number from 0 to 1';
const rate = z.number({ error: share }).min(0, { error: share }).max(1, { error: share });

/** Read by hand: the first wrong item ends it, however many more there are. zod would collect an issue of each. */
const listOf = (item: z.ZodType<number>, error: string) =>
  z.unknown().transform((list, context): number[] | undefined => {
    if (list === undefined) return undefined;
    const fail = (message: string, input: unknown, path: number[]) => {
      context.addIssue({ code: 'custom', message, input, path });
      return z.NEVER;
    };
    if (!isArray(list) || list.length === 0) return fail(error, list, []);
    const items: number[] = [];
    const { length } = list;
    for (let i = 0; i < length; i++) {
      const { data, error: wrong } = item.safeParse(list[i], { reportInput: true });
      if (wrong) return fail(wrong.issues[0].message, wrong.issues[0].input, [i]);
      items.push(data);
    }
    return items;
  });
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
  templates: strict({ dim, templates: array, media: array, weights: array, imageNorms: choice(['keep', 'drop']) }, [
    'templates',
    'media',
  ]),
  pairs: strict({ dim, ids: array, normalize }),
  identification: strict({ ...searchShape, ...identificationShape }),
  identificationMatrix: strict({ queryLabels: array, galleryLabels: array, ...identificationShape }, [
    'queryLabels',
    'galleryLabels',
  ]),
  distractors: strict({ ...searchShape, distractorCounts: integers, ranks: integers, falseAcceptRates: rates }),
};
