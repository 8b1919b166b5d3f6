/** The sweeps as pictures: a line a loss through the means over seeds, in a band of one standard deviation either way. */
import * as echarts from 'echarts';
import { type AblatedLoss, ablatedLosses, type Point, type SweptName, sweeps } from './ablation.ts';
import { headline } from './judge.ts';
import { losses, type Task } from './losses.ts';
import { shownTasks } from './robustness.ts';
import { summarize } from './statistics.ts';

/** Okabe and Ito's colours, which colour-blind readers tell apart. */
const colours: Readonly<Record<AblatedLoss, string>> = {
  'circle-class': '#d55e00',
  'am-softmax': '#0072b2',
  arcface: '#009e73',
};

const panel = { width: 480, height: 340 };
const ink = '#57606a';

/** A panel a task, side by side. */
export function drawSweep(points: readonly Point[], swept: SweptName): string {
  const shown = points.filter((point) => point.swept === swept);
  const axis = {
    nameLocation: 'middle',
    nameTextStyle: { color: ink },
    axisLabel: { color: ink },
    axisLine: { onZero: false }, // margins on both sides of 0
  } as const;
  const width = panel.width * shownTasks.length;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: panel.height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { top: 4, itemGap: 24, data: ablatedLosses.map((loss) => losses[loss].title) },
    grid: shownTasks.map((_, i) => ({
      left: i * panel.width + 64,
      width: panel.width - 88,
      top: 40,
      bottom: 48,
    })),
    xAxis: shownTasks.map((_, gridIndex) => ({
      ...axis,
      ...(swept === 'gamma' ? { type: 'log' as const, logBase: 2 } : { type: 'value' as const }),
      axisLabel: { color: ink, formatter: String },
      min: 'dataMin',
      max: 'dataMax',
      gridIndex,
      name: sweeps[swept],
      nameGap: 28,
    })),
    yAxis: shownTasks.map((task, gridIndex) => ({
      ...axis,
      type: 'value',
      scale: true,
      gridIndex,
      name: headline[task],
      nameGap: 44,
    })),
    series: shownTasks.flatMap((task, i) => ablatedLosses.flatMap((loss) => drawLoss(shown, loss, task, i))),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function drawLoss(points: readonly Point[], loss: AblatedLoss, task: Task, axisIndex: number) {
  const summaries = points
    .filter((point) => point.loss === loss)
    .map(({ value, values }) => ({ value, ...summarize(values[headline[task]]) }));
  const common = { type: 'line', color: colours[loss], xAxisIndex: axisIndex, yAxisIndex: axisIndex } as const;
  const edge = {
    ...common,
    symbol: 'none',
    lineStyle: { opacity: 0 },
    silent: true,
    stack: `${loss} ${task}`,
  } as const;
  const name = losses[loss].title;
  return [
    // The band: up to its lower edge nothing, and from there as high as it is.
    {
      ...edge,
      stackStrategy: 'all' as const,
      data: summaries.map(({ value, mean, standardDeviation }) => [value, mean - standardDeviation]),
    },
    {
      ...edge,
      stackStrategy: 'all' as const,
      areaStyle: { color: colours[loss], opacity: 0.18 },
      data: summaries.map(({ value, standardDeviation }) => [value, 2 * standardDeviation]),
    },
    { ...common, name, symbol: 'circle', symbolSize: 6, data: summaries.map(({ value, mean }) => [value, mean]) },
  ];
}
