/** A training in two pictures: where pairs of similarities were and where they came to, and losses of the steps. After the paper's Fig. 5. */
import type { EngineName } from 'circle-loss';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { boundaryAlongRays, quarterTurn } from './boundary.ts';
import { colours, drawSheet, type Panel, withDescription } from './plane.ts';
import type { Curves, Scatter, SimilarityPair } from './training-data.ts';

use([LineChart, GridComponent, LegendComponent, SVGRenderer]);

/** Where the pairs of one loss are, as numbers. */
export interface Convergence {
  meanSn: number;
  meanSp: number;
  /** Standard deviations: how definite the place is that pairs come to. */
  spreadSn: number;
  spreadSp: number;
}

export function convergenceOf(pairs: readonly SimilarityPair[]): Convergence {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
  const sn = pairs.map(([value]) => value);
  const sp = pairs.map(([, value]) => value);
  return { meanSn: mean(sn), meanSp: mean(sp), spreadSn: spread(sn), spreadSp: spread(sp) };
}

export function drawScatter({ about, losses }: Scatter, engine: EngineName): string {
  const all = losses.flatMap(({ before, after }) => [...before, ...after]).flat();
  const range = [Math.floor(Math.min(0, ...all) * 4) / 4, 1] as const;
  const panels = losses.map(({ name, pairLoss, before, after }): Panel => {
    const boundary = pairLoss ? boundaryAlongRays(pairLoss, quarterTurn(65), engine) : [];
    return {
      title: name,
      range,
      notes: [`before: ${describe(before)}`, `after: ${describe(after)}`],
      marks: [
        { type: 'dots', at: before, size: 3, ...beforeStyle },
        { type: 'dots', at: after, size: 3, ...afterStyle },
        { type: 'line', through: boundary.map(({ sn, sp }) => [sn, sp]), ...boundaryStyle },
      ],
    };
  });
  const description =
    'Panels of the plane of similarities, one a loss, with pairs before and after training. ' +
    losses.map(({ name, before, after }) => `${name}: before ${describe(before)}; after ${describe(after)}.`).join(' ');
  return drawSheet({
    description: about === undefined ? description : `${description} ${about}`,
    columns: 3,
    panels,
    legend: [
      { name: 'before training', style: beforeStyle, as: 'dot' },
      { name: 'after training', style: afterStyle, as: 'dot' },
      ...(losses.some(({ pairLoss }) => pairLoss)
        ? [{ name: 'decision boundary', style: boundaryStyle, as: 'line' as const }]
        : []),
    ],
  });
}

const beforeStyle = { colour: colours.sky, opacity: 0.8 };
const afterStyle = { colour: colours.vermilion, opacity: 0.8 };
const boundaryStyle = { colour: colours.ink, dash: [5, 3] };

function describe(pairs: readonly SimilarityPair[]): string {
  const { meanSn, meanSp, spreadSn, spreadSp } = convergenceOf(pairs);
  return `sₙ ${meanSn.toFixed(2)} ± ${spreadSn.toFixed(2)}, sₚ ${meanSp.toFixed(2)} ± ${spreadSp.toFixed(2)}`.replaceAll(
    '-',
    '−',
  );
}

/** Steps that a point of a line averages. */
const smoothing = 15;
const lineColours = [colours.green, colours.vermilion, colours.blue, colours.purple, colours.sky, colours.ink];

/** Losses differ in scale by what γ is, so each is drawn as a share of what it began with. */
export function drawCurves({ losses }: Curves): string {
  const names = [...new Set(losses.map(({ name }) => name))];
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 380 });
  const text = { color: colours.muted };
  const axis = { nameLocation: 'middle', nameTextStyle: { color: colours.ink }, axisLabel: text } as const;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    grid: { left: 62, right: 20, top: 40, bottom: 46 },
    legend: { top: 8, data: names, textStyle: { color: colours.ink } },
    xAxis: { ...axis, type: 'value', name: `step (mean of ${smoothing})`, nameGap: 26, min: 0 },
    yAxis: { ...axis, type: 'value', name: 'loss ÷ loss at the start', nameGap: 40, min: 0 },
    series: losses.map((curve) => ({
      name: curve.name, // of several seeds alike
      type: 'line' as const,
      silent: true,
      showSymbol: false,
      color: lineColours[names.indexOf(curve.name) % lineColours.length],
      lineStyle: { width: 2 },
      data: relative(curve.steps, curve.loss),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const ends = losses.map(
    ({ name, loss }) => `${name} from ${loss[0].toPrecision(3)} to ${loss.at(-1)!.toPrecision(3)}`,
  );
  return withDescription(svg, `Losses of the steps, each as a share of its first: ${ends.join(', ')}.`);
}

/** Means of windows of steps over that of the first one; a file with few steps is drawn as it is. */
function relative(steps: readonly number[], loss: readonly number[]): number[][] {
  const length = loss.length > 4 * smoothing ? smoothing : 1;
  const meanFrom = (start: number) => loss.slice(start, start + length).reduce((sum, value) => sum + value, 0) / length;
  const first = meanFrom(0);
  return Array.from({ length: loss.length - length + 1 }, (_, k) => [
    steps[k + length - 1],
    Number((meanFrom(k) / first).toFixed(4)),
  ]);
}
