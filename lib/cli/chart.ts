/** Curves as SVG texts, which need neither a browser to be drawn nor a script to be seen. */
import type { LineSeriesOption } from 'echarts/charts';
import { invalidArgument } from '../errors.ts';
import type { Curve } from './judgement.ts';

export interface Colours {
  ink: string;
  quiet: string;
  line: string;
  curve: string;
}

export interface Drawing {
  title: string;
  light: string;
  dark: string;
}

const light: Colours = { ink: '#1f2328', quiet: '#57606a', line: '#d8dee4', curve: '#0b5cad' };
const dark: Colours = { ink: '#e6edf3', quiet: '#9198a1', line: '#30363d', curve: '#6cb6ff' };
const size = { width: 720, height: 340 };

/** echarts is no dependency but a peer that may be missing: it is several times as large as all the rest. */
async function loadEcharts() {
  try {
    const [echarts, { LineChart }, { GridComponent }, { SVGRenderer }] = await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
    ]);
    echarts.use([LineChart, GridComponent, SVGRenderer]);
    return echarts;
  } catch (cause) {
    const hint = ' Install it beside this package: npm install echarts@6.';
    throw invalidArgument("The package 'echarts'", 'installed where a report is wanted', messageOf(cause), hint);
  }
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

/** Throws, before anything is computed, where a report could not be drawn. */
export const checkCharts = async (): Promise<void> => void (await loadEcharts());

export async function drawCurves(curves: readonly Curve[]): Promise<Drawing[]> {
  const echarts = await loadEcharts();
  const draw = (curve: Curve, colours: Colours) => {
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
    chart.setOption(optionsOf(curve, colours));
    const svg = chart.renderToSVGString();
    chart.dispose();
    return svg;
  };
  return curves.map((curve) => ({ title: curve.title, light: draw(curve, light), dark: draw(curve, dark) }));
}

/** Of any number of them: arguments of a call are not. */
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

function optionsOf({ x, y, scale, points }: Curve, colours: Colours) {
  const axis = {
    nameLocation: 'middle',
    nameTextStyle: { color: colours.quiet },
    axisLabel: { color: colours.quiet },
    axisLine: { show: true, lineStyle: { color: colours.line } },
    splitLine: { lineStyle: { color: colours.line } },
  } as const;
  const xs = points.map(([value]) => value);
  const lowest = least(points.map(([, value]) => value));
  // Few points are measurements of their own; many are a curve.
  const series: LineSeriesOption = {
    type: 'line',
    data: points.map((point) => [...point]),
    showSymbol: points.length <= 12,
    symbolSize: 7,
    color: colours.curve,
    lineStyle: { width: 2.5 },
  };
  return {
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { color: colours.ink },
    grid: { left: 64, right: 24, top: 16, bottom: 52 },
    xAxis: {
      ...axis,
      type: scale === 'log' ? 'log' : 'value',
      name: x,
      nameGap: 30,
      min: least(xs),
      max: -least(xs.map((value) => -value)),
    },
    yAxis: { ...axis, type: 'value', name: y, nameGap: 44, min: Math.floor(lowest * 10) / 10, max: 1 },
    series: [series],
  };
}
