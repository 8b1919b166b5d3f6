/** What the sweeps over γ and m support: how far the curves move, and where Circle's is above. */
import { type AblatedLoss, ablatedLosses, type Point, type SweptName, sweeps } from './ablation.ts';
import { headline } from './judge.ts';
import { losses, type Task } from './losses.ts';
import { summarize } from './statistics.ts';

/** What is shown of the sweeps, in this order. */
export const shownTasks = ['verification', 'retrieval'] as const satisfies readonly Task[];

export function meanAt({ values }: Point, task: Task): number {
  return summarize(values[headline[task]]).mean;
}

const signed = (value: number) => (value < 0 ? `−${Math.abs(value)}` : `${value}`);

/** One sentence a sweep and measure. */
export function describeRobustness(points: readonly Point[]): string[] {
  return shownTasks.flatMap((task) => [
    describeSpans(points, 'gamma', task),
    describeSpans(points, 'margin', task),
    describeMargins(points, task),
  ]);
}

function curve(points: readonly Point[], swept: SweptName, loss: AblatedLoss): Point[] {
  return points.filter((point) => point.swept === swept && point.loss === loss);
}

/** Between the best and the worst mean of a sweep; of margins each loss has its own. */
function describeSpans(points: readonly Point[], swept: SweptName, task: Task): string {
  const spans = ablatedLosses.map((loss) => {
    const means = curve(points, swept, loss).map((point) => meanAt(point, task));
    return { loss, span: Math.max(...means) - Math.min(...means) };
  });
  const flattest = spans.reduce((least, entry) => (entry.span < least.span ? entry : least));
  const parts = spans.map(({ loss, span }) => `${losses[loss].title} ${span.toFixed(3)}`);
  const range = points.filter((point) => point.swept === swept).map(({ value }) => value);
  const own = swept === 'margin' ? ' (ArcFace from 0 on)' : '';
  return `${headline[task]} over ${sweeps[swept]} from ${signed(Math.min(...range))} to ${signed(Math.max(...range))}${own}: best less worst mean is ${parts.join(', ')}; the flattest is ${losses[flattest.loss].title}.`;
}

/** The margins at which Circle's mean is above the best that each other loss reaches at any of its own. */
function describeMargins(points: readonly Point[], task: Task): string {
  const circle = curve(points, 'margin', 'circle-class');
  const parts = ablatedLosses
    .filter((loss) => loss !== 'circle-class')
    .map((loss) => {
      const others = curve(points, 'margin', loss);
      const top = Math.max(...others.map((point) => meanAt(point, task)));
      const above = circle.filter((point) => meanAt(point, task) > top).map(({ value }) => signed(value));
      return `${losses[loss].title}'s best (${top.toFixed(3)}) at ${above.length === 0 ? 'none' : above.join(', ')}`;
    });
  return `${headline[task]} over m: of ${circle.length} margins, Circle's mean is above ${parts.join(', and above ')}.`;
}
