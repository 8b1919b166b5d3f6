/** What the run came to, in words. */
import type { Catalogue } from '../data/catalogue.ts';
import type { ClassJudgement } from '../data/class-judgement.ts';
import type { Part } from '../data/data-set.ts';
import { selectRows } from '../data/rows.ts';
import type { Model } from './learn.ts';
import type { Resumption } from './resume.ts';

export function judgeClasses({ network, head }: Model, { inputs, labels }: Part): ClassJudgement {
  const embeddings = network.embed(inputs).values;
  const { classes } = head.predict(embeddings);
  const right = labels.filter((label, picture) => classes[picture] === label);
  return { loss: head.loss(embeddings, labels).loss, accuracy: right.length / labels.length };
}

export function describeResumption({ savedSteps, savedLoss, loadedSteps, loadedLoss }: Resumption): string {
  return `Resumption      loss ${savedLoss.toFixed(6)} of the head saved after step ${savedSteps}, ${loadedLoss.toFixed(6)} of the one loaded, which went on with step ${loadedSteps + 1}`;
}

/** What the head takes a training picture for: its three most similar classes. */
export function describeGuess({ network, head }: Model, row: number, part: Part, catalogue: Catalogue): string {
  const { inputs, labels, pictures } = part;
  const { classes, similarities } = head.predict(network.embed(selectRows(inputs, [row])).values, 3);
  const emojiOf = (picture: number) => catalogue.names[catalogue.labels[pictures[picture]]];
  const guesses = Array.from(classes, (c, i) => `${emojiOf(labels.indexOf(c))} (${similarities[i].toFixed(2)})`);
  const { name } = catalogue.vendors[catalogue.drawnBy[pictures[row]]].info;
  return `For example     ${emojiOf(row)} by ${name} is taken for ${guesses.join(', ')}`;
}
