/**
 * The digests that results are held against: of each problem on each place the plainest call, made once, by itself, and held
 * against the truth. Bits differ between instruction sets, so that no file could hold them.
 */
import { computeSimilarity, findNearest, type PairLossResult } from 'circle-loss';
import { bankProblems, headProblems, lossProblems, type Problem, searchProblems } from './problems.ts';
import { type Judge, judgeBank, judgeHead, judgeLoss, judgeNearest, judgeSimilarity } from './truth.ts';
import { computeHead, digestOf, filledBank, keyOf, neighbours, type Place, sessionOn } from './work.ts';

export interface Stored {
  readonly digests: Map<string, string>;
  /** What the truth says against the results that the digests are of. */
  readonly flaws: readonly string[];
}

const reference: Place = { name: 'reference', engine: 'reference' };

/** What has no result: the abort that won, and errors. */
const expectedErrors = {
  abort: 'AbortError',
  'error NaN': 'ERR_CIRCLE_NOT_FINITE',
  'error shape': 'ERR_CIRCLE_SHAPE',
  'error disposed': 'ERR_CIRCLE_DISPOSED',
};

/** `best`: the instruction set that one-shot calls have. */
export function storeDigests(places: readonly Place[], best: string | undefined): Stored {
  const digests = new Map<string, string>(Object.entries(expectedErrors));
  const flaws: string[] = [];
  function store<Result extends object>(
    keyOn: (place: Place) => string,
    where: readonly Place[],
    compute: (place: Place) => Result,
    judge: Judge<Result>,
  ): void {
    for (const place of where) {
      const key = keyOn(place);
      const result = compute(place);
      digests.set(key, digestOf(result));
      flaws.push(...judge(result).map((flaw) => `${key}: ${flaw}`));
    }
  }
  const keyFor = (problem: Problem, what?: string) => (place: Place) => keyOf(problem, place, what);
  const bestPlaces = places.filter(({ variant }) => variant === undefined || variant === best);

  for (const problem of lossProblems) {
    const { embeddings, labels } = problem.batch();
    const compute = (place: Place) => {
      using session = sessionOn(place, problem.options());
      return session.compute(embeddings, labels) as PairLossResult; // nothing in the options leaves the gradient out
    };
    store(keyFor(problem), places, compute, judgeLoss(problem));
  }
  for (const problem of searchProblems) {
    const { dim } = problem;
    const { embeddings } = problem.batch();
    const similarity = ({ engine }: Place) => ({ out: computeSimilarity(embeddings, { dim, engine }) });
    const nearest = ({ engine }: Place) => findNearest(embeddings, { dim, engine, k: neighbours });
    store(keyFor(problem, 'similarity of '), bestPlaces, similarity, judgeSimilarity(problem));
    store(keyFor(problem, 'nearest of '), bestPlaces, nearest, judgeNearest(problem, neighbours));
  }
  for (const problem of headProblems) {
    const batch = problem.batch();
    const onReference = (embeddings: Float32Array) => computeHead(problem, { ...batch, embeddings }, reference);
    store(keyFor(problem), places, (place) => computeHead(problem, batch, place), judgeHead(problem, onReference));
  }
  for (const problem of bankProblems) {
    const { embeddings, labels } = problem.batch();
    const compute = (place: Place) => {
      using bank = filledBank(problem, place);
      const { loss, gradient } = bank.loss(embeddings, labels);
      return { loss, gradient };
    };
    store(keyFor(problem), places, compute, judgeBank(problem));
  }
  return { digests, flaws };
}
