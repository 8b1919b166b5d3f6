/** The loss curve as an SVG text that needs neither a browser to be drawn nor a script to be seen. */
import * as echarts from 'echarts';

/** Steps that one point of the smooth line averages. */
const smoothing = 15;

export function drawLossCurve(losses: readonly number[], width: number, height: number): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const axis = {
    nameLocation: 'middle',
    nameTextStyle: { color: '#57606a' },
    axisLabel: { color: '#57606a' },
  } as const;
  chart.setOption({
    animation: false,
    grid: { left: 56, right: 16, top: 36, bottom: 44 },
    legend: { top: 0, right: 8, data: ['each batch', `mean of ${smoothing} batches`] },
    xAxis: { ...axis, type: 'value', name: 'step', nameGap: 28, min: 1, max: losses.length },
    yAxis: { ...axis, type: 'value', name: 'Circle loss', nameGap: 36, min: 0 },
    series: [
      line('each batch', '#a5c8f0', 1, losses),
      line(`mean of ${smoothing} batches`, '#0b5cad', 2.5, runningMean(losses)),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function line(name: string, color: string, width: number, values: readonly number[]): echarts.LineSeriesOption {
  const data = values.map((value, i) => [i + 1, value]);
  return { name, type: 'line', showSymbol: false, color, lineStyle: { width }, data };
}

function runningMean(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const window = values.slice(Math.max(0, i + 1 - smoothing), i + 1);
    return window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}
