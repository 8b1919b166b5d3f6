/** What protocols are made of. */

/** An image with a label. */
export interface LabelledItem {
  /** Relative to the data set's folder, with forward slashes. */
  path: string;
  label: number;
}

/** An image of re-identification. */
export interface ReIdentificationItem extends LabelledItem {
  /** Counted from 1, as in the data set. */
  camera: number;
}

/** Images that count as one: the frames of a tracklet or a video. */
export interface FrameSet {
  /** Paths of images, in the order of time. */
  frames: readonly string[];
}

/** Of video re-identification. */
export interface Tracklet extends FrameSet {
  label: number;
  /** Counted from 1, as in the data set. */
  camera: number;
}

/** A pair of verification. */
export interface VerificationPair {
  /** Path of an image, or of a video's folder. */
  first: string;
  second: string;
  same: boolean;
  /** Counted from 0. */
  fold: number;
}

interface Protocol {
  /** Where the folder differs from the published data set, in sentences; empty where it does not. */
  warnings: readonly string[];
}

/** Items with their order; query and gallery labels are of one numbering, those of `train` of another. */
export interface ReIdentificationProtocol<Item = ReIdentificationItem> extends Protocol {
  /** Labels are renumbered from 0 to `trainClasses` − 1, in the order of the data set's own. */
  train: readonly Item[];
  query: readonly Item[];
  gallery: readonly Item[];
  trainClasses: number;
}

/** Labels of `train` go from 0 to `trainClasses` − 1. */
export interface RetrievalProtocol extends Protocol {
  train: readonly LabelledItem[];
  test: readonly LabelledItem[];
  trainClasses: number;
}

export interface VerificationProtocol extends Protocol {
  pairs: readonly VerificationPair[];
  folds: number;
  /** Each image, or video, of the pairs once, sorted. */
  paths: readonly string[];
}

/** Labels from 0, in the order of the labels that are there. */
export function renumber<T extends { label: number }>(items: readonly T[]): { items: T[]; classes: number } {
  const labels = [...new Set(items.map((item) => item.label))].sort((a, b) => a - b);
  const numbers = new Map(labels.map((label, number) => [label, number]));
  return { items: items.map((item) => ({ ...item, label: numbers.get(item.label)! })), classes: labels.length };
}

/** How many labels there are, but for those that stand for nobody. */
export function countLabels(items: readonly { label: number }[], nobody: readonly number[] = []): number {
  const labels = new Set(items.map((item) => item.label));
  for (const label of nobody) labels.delete(label);
  return labels.size;
}

/** Halves of a retrieval data set. Labels of training are renumbered from 0, in order, where classes are halved. */
export function splitClasses(
  items: readonly LabelledItem[],
  isTrain: readonly boolean[],
  split: 'classes' | 'classification',
): { train: LabelledItem[]; test: LabelledItem[]; trainClasses: number } {
  const train = items.filter((_, i) => isTrain[i]);
  const test = items.filter((_, i) => !isTrain[i]);
  // Where both halves have the same classes, the same class keeps the same label.
  if (split === 'classification') return { train, test, trainClasses: countLabels(items) };
  const { items: renumbered, classes } = renumber(train);
  return { train: renumbered, test, trainClasses: classes };
}
