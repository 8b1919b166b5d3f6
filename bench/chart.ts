/** All workloads in one picture: a dot for each contender's median. Dots, because bars have no honest foot on a log axis. */
import { ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Summary } from './summary.ts';

use([ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const symbols = ['circle', 'circle', 'diamond', 'rect', 'triangle', 'triangle', 'pin', 'arrow', 'roundRect'];

export function toSvg(summaries: readonly Summary[]): string {
  const names = [
    ...new Set(summaries.flatMap(({ lines }) => lines.filter(({ inChart }) => inChart).map((line) => line.contender))),
  ];
  const series = names.map((name, index) => ({
    name,
    type: 'scatter' as const,
    symbol: symbols[index % symbols.length],
    symbolSize: 12,
    data: summaries.flatMap(({ workload, lines }) => {
      const timing = lines.find(({ contender }) => contender === name)?.timing;
      return timing === undefined ? [] : [[timing.medianMs, workload.name]];
    }),
  }));
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 160 + 48 * summaries.length });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Loss and gradient: median time of a step', left: 'center' },
    legend: { top: 32 },
    grid: { left: 220, right: 40, top: 96, bottom: 48 },
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
