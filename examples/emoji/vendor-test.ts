/** The test of the demo: drawings of classes that training never saw, asked about in two ways. */
import type { EngineName } from 'circle-loss';
import type { Catalogue } from '../data/catalogue.ts';
import { evaluate, leaveOneOut, nearest, type Protocol, type RetrievalScore } from '../data/evaluate.ts';
import type { Random } from '../data/random.ts';
import type { Rows } from '../data/rows.ts';
import { startProgress } from '../terminal/progress.ts';
import type { Answer, AnswerSection } from './report.ts';

const askingVendor = 'twemoji';
const shownCandidates = 5;

export interface VendorScores {
  /** Every drawing asks, all others answer. */
  leaveOneOut: RetrievalScore;
  /** Twemoji's drawings ask, those of the other vendors answer. */
  acrossVendors: RetrievalScore;
}

export class VendorTest {
  readonly #pictures: readonly number[];
  readonly #labels: Int32Array;
  readonly #acrossVendors: Protocol;
  readonly #engine: EngineName;

  /** Row i of the embeddings that are tested belongs to `pictures[i]`. */
  constructor(catalogue: Catalogue, pictures: readonly number[], engine: EngineName) {
    const vendor = catalogue.vendors.findIndex(({ prefix }) => prefix === askingVendor);
    const asks = pictures.map((picture) => catalogue.drawnBy[picture] === vendor);
    this.#pictures = pictures;
    this.#labels = Int32Array.from(pictures, (picture) => catalogue.labels[picture]);
    this.#acrossVendors = { isQuery: (row) => asks[row], isCandidate: (_, row) => !asks[row] };
    this.#engine = engine;
  }

  /** `title` is shown while it runs. */
  score(title: string, embeddings: Rows): VendorScores {
    const progress = startProgress(title, this.#pictures.length);
    const protocols = [leaveOneOut, this.#acrossVendors];
    const scores = evaluate(embeddings, this.#labels, protocols, this.#engine, progress.advance);
    progress.stop();
    return { leaveOneOut: scores[0], acrossVendors: scores[1] };
  }

  /** Some of Twemoji's queries by chance, then some whose first answer training changed: for better, and for worse. */
  chooseAnswers(before: Rows, after: Rows, random: Random): AnswerSection[] {
    const queries = random.shuffled([...this.#pictures.keys()].filter(this.#acrossVendors.isQuery));
    const find = (rows: Rows) => nearest(rows, queries, this.#acrossVendors, shownCandidates, this.#engine);
    const foundBefore = find(before);
    const foundAfter = find(after);
    const all: Answer[] = queries.map((query, i) => ({ query, before: foundBefore[i], after: foundAfter[i] }));
    const isRight = (query: number, found: readonly number[]) => this.#labels[found[0]] === this.#labels[query];
    const byChance = all.slice(0, 6);
    const gained = all.filter(({ query, before, after }) => !isRight(query, before) && isRight(query, after));
    const lost = all.filter(({ query, before, after }) => isRight(query, before) && !isRight(query, after));
    const section = (title: string, answers: Answer[]) => ({ title, answers: answers.map(this.#inCatalogue) });
    const unseen = (answer: Answer) => !byChance.includes(answer);
    return [
      section(`Chosen by chance, of ${all.length} queries`, byChance),
      section(`First answer right only after training: ${gained.length} queries`, gained.filter(unseen).slice(0, 5)),
      section(`First answer right only before training: ${lost.length} queries`, lost.filter(unseen).slice(0, 3)),
    ];
  }

  readonly #inCatalogue = ({ query, before, after }: Answer): Answer => ({
    query: this.#pictures[query],
    before: before.map((row) => this.#pictures[row]),
    after: after.map((row) => this.#pictures[row]),
  });
}
