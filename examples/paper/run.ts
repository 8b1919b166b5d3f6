/** A run: one loss with one setting, learned from one seed and judged. What it comes to depends on its plan alone. */
import { pkSampler } from 'circle-loss';
import type { Rows } from '../data/rows.ts';
import { selectRows } from '../data/rows.ts';
import type { Network } from '../network/network.ts';
import { judge, retrieve, type Scores } from './judge.ts';
import { createNetwork, type LearningOptions, learn, type Place } from './learn.ts';
import { batchShape, splitSeed } from './recipe.ts';
import { type AnchorSimilarities, anchorSimilarities } from './similarities.ts';
import type { DataName, Side, Subject } from './subjects.ts';

export interface RunPlan extends LearningOptions {
  data: DataName;
  /** Classes to be judged on: those of the test, or some that training could have seen, to tune with. */
  judgedOn: 'test' | 'validation';
}

export interface RunResult {
  scores: Scores;
  /** Of each step's batch. */
  lossCurve: number[];
  /** In one batch of training classes and one of classes never seen, before and after training. */
  similarities: Record<'before' | 'after', Record<'training' | 'unseen', AnchorSimilarities>>;
  /** What it took; another time it is another number. */
  seconds: { training: number; judging: number };
}

export function computeRun(plan: RunPlan, subject: Subject, place: Place): RunResult {
  const isTest = plan.judgedOn === 'test';
  const training = isTest ? subject.training : subject.tuning.training;
  const unseen = isTest ? subject.test : subject.tuning.validation;
  const network = createNetwork(training.inputs.dim, plan.seed, place);
  const batches = { training: batchOf(training), unseen: batchOf(unseen) };
  const look = () => ({
    training: anchorSimilarities(network, batches.training, place),
    unseen: anchorSimilarities(network, batches.unseen, place),
  });

  const before = look();
  const started = performance.now();
  const lossCurve = learn(network, training, plan, place).map(toFourDigits);
  const learned = performance.now();
  const scores = judgeOn(network, unseen, plan, subject, place);
  const seconds = { training: (learned - started) / 1000, judging: (performance.now() - learned) / 1000 };
  return { scores, lossCurve, similarities: { before, after: look() }, seconds };
}

function judgeOn(network: Network, unseen: Side, plan: RunPlan, subject: Subject, place: Place): Scores {
  const embeddings = network.embed(unseen.inputs);
  if (plan.judgedOn === 'validation') return retrieve(embeddings, unseen.labels, place);
  return judge(embeddings, unseen, subject.askingCameras, place);
}

/** The same one for every loss and seed: what is compared are losses, not batches. */
function batchOf({ inputs, labels, classCount }: Side): { inputs: Rows; labels: Int32Array } {
  const classesPerBatch = Math.min(batchShape.classes, classCount);
  const samplesPerClass = batchShape.picturesPerClass;
  const rows = pkSampler({ labels, classesPerBatch, samplesPerClass, seed: splitSeed }).nextBatch();
  return { inputs: selectRows(inputs, rows), labels: rows.map((row) => labels[row]) };
}

function toFourDigits(value: number): number {
  return Number(value.toPrecision(4));
}
