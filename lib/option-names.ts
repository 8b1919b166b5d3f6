/** Which option was meant by a key that is none: what others call it, or a typo of its name. */

/** What papers, and other libraries, call options of ours; keys in small letters and without underscores. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  margin: ['m', 'relaxation'],
  gamma: ['s', 'scale'],
  dim: ['d', 'dimension', 'dimensions', 'embeddingsize', 'embeddingdim', 'featuredim', 'indim'],
  classes: ['numclasses', 'nclasses', 'classcount', 'outdim'],
  classWeights: ['w', 'proxies', 'prototypes', 'centers', 'centres', 'weights'],
  candidates: ['references', 'keys', 'queue', 'gallery'],
  candidateLabels: ['referencelabels', 'gallerylabels'],
  gallery: ['candidates', 'references'],
  galleryLabels: ['candidatelabels', 'referencelabels'],
  normalize: ['l2', 'l2normalize', 'unit'],
  k: ['topk', 'top', 'neighbors', 'neighbours'],
  engine: ['backend'],
  device: ['gpu', 'gpuid', 'cuda'],
  capacity: ['size', 'memorysize', 'queuesize'],
  pairLoss: ['loss', 'losstype'],
  learningRate: ['lr'],
  beta1: ['betas'],
  epsilon: ['eps'],
  weightDecay: ['wd'],
  sampleRate: ['partial', 'fraction'],
  classesPerBatch: ['p'],
  samplesPerClass: ['k', 'm', 'instances'],
  upstream: ['gradoutput', 'dy'],
};

/** Keys that are nearly an option, and what has to be said beside its name. */
const nearly: Readonly<Record<string, { option: string; but: string }>> = {
  temperature: { option: 'gamma', but: 'It is 1 / temperature.' },
  tau: { option: 'gamma', but: 'It is 1 / tau.' },
  labels: { option: 'candidateLabels', but: 'Labels of the embeddings are an argument of their own.' },
};

/** No option has half as many letters; of a key without end the distance would take without end. */
const longestTypo = 60;

/**
 * A question about the option that was meant, or undefined where none is near. `known`: the options that there are, with
 * a dot where one is inside another.
 */
export function didYouMean(key: string, known: readonly string[]): string | undefined {
  if (key.length > longestTypo) return undefined;
  const plain = key.toLowerCase().replaceAll(/[_-]/g, '');
  const nameOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);
  // Those beside the key come first, those inside another option after them.
  const inOrder = known.toSorted((a, b) => depthOf(a) - depthOf(b));
  const find = (names: readonly string[]) => inOrder.find((path) => names.includes(nameOf(path)));

  const same = inOrder.find((path) => nameOf(path).toLowerCase() === plain);
  if (same !== undefined) return question(same);
  if (Object.hasOwn(nearly, plain)) {
    const path = find([nearly[plain].option]);
    if (path !== undefined) return `${question(path)} ${nearly[plain].but}`;
  }
  const meant = Object.keys(aliases).filter((option) => aliases[option].includes(plain));
  const alias = find(meant);
  if (alias !== undefined) return question(alias);
  const typo = mostSimilar(plain, inOrder.map(nameOf));
  return typo === undefined ? undefined : question(find([typo])!);
}

const depthOf = (path: string) => path.split('.').length;

const question = (path: string) => `Did you mean '${path}'?`;

/** The name that differs in the fewest letters, if in at most a third of them and not in all. */
function mostSimilar(key: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: edits(key, name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  const most = Math.min(Math.ceil(ranked.name.length / 3), ranked.name.length - 1);
  return ranked.edits <= most ? ranked.name : undefined;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
