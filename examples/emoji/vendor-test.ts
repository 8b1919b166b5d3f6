/** The test of the demo: drawings of classes that training never saw, asked about in two ways. */
import { type EngineName, findNearest } from 'circle-loss';
import { evaluateRetrieval, type RetrievalMetrics } from 'circle-loss/metrics';
import type { Catalogue } from '../data/catalogue.ts';
import type { Random } from '../data/random.ts';
import { type Rows, selectRows } from '../data/rows.ts';
import type { Answer, AnswerSection } from './report.ts';

const askingVendor = 'twemoji';
const shownCandidates = 5;

export interface VendorScores {
  /** Every drawing asks, all others answer. */
  leaveOneOut: RetrievalMetrics;
  /** Twemoji's drawings ask, those of the other vendors answer. */
  acrossVendors: RetrievalMetrics;
}

export class VendorTest {
  readonly #pictures: readonly number[];
  readonly #labels: Int32Array;
  /** Rows of Twemoji's drawings, and of the others. */
  readonly #asking: readonly number[];
  readonly #answering: readonly number[];
  readonly #engine: EngineName;

  /** Row i of the embeddings that are tested belongs to `pictures[i]`. */
  constructor(catalogue: Catalogue, pictures: readonly number[], engine: EngineName) {
    const vendor = catalogue.vendors.findIndex(({ prefix }) => prefix === askingVendor);
    const asks = (row: number) => catalogue.drawnBy[pictures[row]] === vendor;
    this.#pictures = pictures;
    this.#labels = Int32Array.from(pictures, (picture) => catalogue.labels[picture]);
    this.#asking = [...pictures.keys()].filter(asks);
    this.#answering = [...pictures.keys()].filter((row) => !asks(row));
    this.#engine = engine;
  }

  score(embeddings: Rows): VendorScores {
    const { values, dim } = embeddings;
    const options = { dim, engine: this.#engine };
    const labelsOf = (rows: readonly number[]) => Int32Array.from(rows, (row) => this.#labels[row]);
    return {
      leaveOneOut: evaluateRetrieval(values, this.#labels, options),
      acrossVendors: evaluateRetrieval(selectRows(embeddings, this.#asking).values, labelsOf(this.#asking), {
        ...options,
        gallery: selectRows(embeddings, this.#answering).values,
        galleryLabels: labelsOf(this.#answering),
      }),
    };
  }

  /** Some of Twemoji's queries by chance, then some whose first answer training changed: for better, and for worse. */
  chooseAnswers(before: Rows, after: Rows, random: Random): AnswerSection[] {
    const queries = random.shuffled([...this.#asking]);
    const foundBefore = this.#find(before, queries);
    const foundAfter = this.#find(after, queries);
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

  /** Rows of the answers to each query, best first. */
  #find(embeddings: Rows, queries: readonly number[]): number[][] {
    const candidates = selectRows(embeddings, this.#answering).values;
    const options = { dim: embeddings.dim, k: shownCandidates, candidates, engine: this.#engine };
    const { indices } = findNearest(selectRows(embeddings, queries).values, options);
    return queries.map((_, i) => {
      const found = indices.subarray(i * shownCandidates, (i + 1) * shownCandidates);
      return Array.from(found, (candidate) => this.#answering[candidate]);
    });
  }

  readonly #inCatalogue = ({ query, before, after }: Answer): Answer => ({
    query: this.#pictures[query],
    before: before.map((row) => this.#pictures[row]),
    after: after.map((row) => this.#pictures[row]),
  });
}
