/** All workloads in one picture: a dot for each contender's median. Dots, because bars have no honest foot on a log axis. */
import { ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Summary } from './summary.ts';

use([ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Okabe and Ito's colours, which colour-blind readers tell apart; the symbols help where dots meet. */
const colours = ['#d55e00', '#e69f00', '#000000', '#0072b2', '#009e73', '#56b4e9', '#cc79a7', '#999999', '#f0e442'];
const symbols = ['circle', 'circle', 'diamond', 'rect', 'triangle', 'triangle', 'roundRect', 'rect', 'diamond'];

export function toSvg(summaries: readonly Summary[]): string {
  const lines = summaries.flatMap((summary) => summary.lines);
  const shown = lines.filter(({ inChart, timing }) => inChart && timing !== undefined);
  const names = [...new Set(shown.map(({ contender }) => contender))];
  const series = names.map((name, index) => ({
    name,
    type: 'scatter' as const,
    color: colours[index % colours.length],
    symbol: symbols[index % symbols.length],
    symbolSize: 12,
    data: summaries.flatMap((summary) => {
      const timing = summary.lines.find(({ contender }) => contender === name)?.timing;
      return timing === undefined ? [] : [[timing.medianMs, summary.workload.name]];
    }),
  }));
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: 1080,
    height: Math.max(300, 120 + 44 * summaries.length),
  });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Loss and gradient: median time of a step', left: 'center' },
    legend: { orient: 'vertical', right: 16, top: 56, width: 220 },
    grid: { left: 220, right: 270, top: 56, bottom: 48 },
    xAxis: { type: 'log', name: 'milliseconds (log scale)', nameLocation: 'middle', nameGap: 28 },
    yAxis: {
      type: 'category',
      inverse: true,
      data: summaries.map(({ workload }) => workload.name),
      splitLine: { show: true },
    },
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
