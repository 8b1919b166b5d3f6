/**
 * Panels of the (s_n, s_p) plane side by side, drawn by echarts without a browser. What is on a panel is one path each,
 * not an element for each dot or arrow: that keeps a picture of thousands of them below 100 KB.
 */
import { CustomChart } from 'echarts/charts';
import { GraphicComponent, GridComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([CustomChart, GraphicComponent, GridComponent, TitleComponent, SVGRenderer]);

/** Okabe and Ito's colours, which colour-blind readers tell apart. */
export const colours = {
  blue: '#0072b2',
  vermilion: '#d55e00',
  green: '#009e73',
  purple: '#cc79a7',
  sky: '#56b4e9',
  ink: '#24292f',
  muted: '#57606a',
} as const;

/** A place in the plane; x is s_n and y is s_p. */
export type Place = readonly [x: number, y: number];

export interface Style {
  colour: string;
  width?: number;
  dash?: readonly number[];
  opacity?: number;
}

/** Something on a panel. Lengths of arrows are in units of the plane, sizes of dots and text in pixels. */
export type Mark =
  | ({ type: 'line'; through: readonly Place[] } & Style)
  | ({ type: 'dots'; at: readonly Place[]; size: number } & Style)
  | ({ type: 'arrows'; from: readonly { at: Place; by: Place }[] } & Style)
  | ({ type: 'area'; rings: readonly (readonly Place[])[] } & Style)
  | {
      type: 'text';
      at: Place;
      text: string;
      colour: string;
      align?: 'left' | 'right' | 'center';
      shift?: Place;
      bold?: true;
    };

export interface Panel {
  title: string;
  /** Under the axis, a line each. */
  notes?: readonly string[];
  /** Of both axes. */
  range: readonly [number, number];
  marks: readonly Mark[];
}

export interface Sheet {
  /** What a reader who sees no picture is told. */
  description: string;
  columns: number;
  /** Of a panel, in pixels; default 270. */
  side?: number;
  panels: readonly Panel[];
  /** Under all panels: samples of styles with what they stand for. */
  legend: readonly { name: string; style: Style; as: 'line' | 'dot' | 'area' }[];
}

const gap = { left: 62, right: 14, top: 34, bottom: 50 };
const noteHeight = 16;
const legendHeight = 34;

export function drawSheet({ description, columns, side = 270, panels, legend }: Sheet): string {
  const notes = Math.max(...panels.map((panel) => panel.notes?.length ?? 0));
  const cell = { width: gap.left + side + gap.right, height: gap.top + side + gap.bottom + notes * noteHeight };
  const rows = Math.ceil(panels.length / columns);
  const width = columns * cell.width + 8;
  const height = rows * cell.height + legendHeight;
  const corner = (index: number) => ({
    left: (index % columns) * cell.width + gap.left,
    top: Math.floor(index / columns) * cell.height + gap.top,
  });
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: panels.flatMap((panel, index) => titlesOf(panel, corner(index), side)),
    grid: panels.map((_, index) => ({ ...corner(index), width: side, height: side, containLabel: false })),
    xAxis: panels.map(({ range }, gridIndex) => axis('sₙ', range, gridIndex, 24)),
    yAxis: panels.map(({ range }, gridIndex) => axis('sₚ', range, gridIndex, 34)),
    graphic: legendOf(legend, width, height - legendHeight / 2),
    series: panels.flatMap(({ marks }, index) => marks.map((mark) => seriesOf(mark, index))),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return withDescription(svg, description);
}

/** echarts draws; that a picture says what it is to those who do not see it is ours to add. */
export function withDescription(svg: string, description: string): string {
  const escaped = description.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `${svg.replace('<svg ', `<svg role="img" aria-label="${escaped}" `)}\n`;
}

function titlesOf({ title, notes = [] }: Panel, { left, top }: { left: number; top: number }, side: number) {
  const centre = left + side / 2;
  const heading = { fontSize: 14, color: colours.ink };
  const note = { fontSize: 12, fontWeight: 'normal' as const, color: colours.ink };
  return [
    { text: title, left: centre, top: top - gap.top + 4, textAlign: 'center' as const, textStyle: heading },
    ...notes.map((text, line) => ({
      text,
      left: centre,
      top: top + side + gap.bottom - 8 + line * noteHeight,
      textAlign: 'center' as const,
      textStyle: note,
    })),
  ].map((entry) => ({ ...entry, padding: 0 }));
}

function axis(name: string, [min, max]: readonly [number, number], gridIndex: number, nameGap: number) {
  return {
    type: 'value' as const,
    gridIndex,
    min,
    max,
    interval: 0.25,
    name,
    nameGap,
    nameLocation: 'middle' as const,
    nameTextStyle: { color: colours.ink, fontSize: 14 },
    axisLabel: { color: colours.muted, formatter: (value: number) => String(value).replace('-', '−') },
    axisLine: { show: true, onZero: false, lineStyle: { color: '#8c959f' } },
    splitLine: { lineStyle: { color: '#eaeef2' } },
  };
}

function legendOf(legend: Sheet['legend'], width: number, y: number) {
  const textWidth = (name: string) => 40 + 6.4 * name.length;
  let x = (width - legend.reduce((sum, { name }) => sum + textWidth(name), 0)) / 2;
  return legend.flatMap(({ name, style, as }) => {
    const start = x;
    x += textWidth(name);
    const text = {
      type: 'text' as const,
      x: start + 28,
      y: y - 6,
      style: { text: name, fontSize: 12, fill: colours.ink },
    };
    return [
      { ...sampleOf(style, as, start, y), silent: true },
      { ...text, silent: true },
    ];
  });
}

function sampleOf(style: Style, as: Sheet['legend'][number]['as'], x: number, y: number) {
  if (as === 'dot') return { type: 'circle' as const, shape: { cx: x + 12, cy: y, r: 4 }, style: filled(style) };
  if (as === 'area') {
    return { type: 'rect' as const, shape: { x: x + 2, y: y - 6, width: 20, height: 12 }, style: filled(style) };
  }
  return { type: 'line' as const, shape: { x1: x, y1: y, x2: x + 24, y2: y }, style: stroked(style) };
}

const filled = ({ colour, opacity }: Style) => ({ fill: colour, opacity });
const stroked = ({ colour, width = 1.5, dash, opacity }: Style) => ({
  stroke: colour,
  lineWidth: width,
  lineDash: dash && [...dash],
  opacity,
  fill: 'none',
});

/** Where a place of the plane is on the sheet, in pixels. */
type ToPixel = (place: Place) => number[];

function seriesOf(mark: Mark, index: number) {
  return {
    type: 'custom' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    clip: mark.type === 'area' || mark.type === 'line',
    data: [[0, 0]], // one item, which is the whole mark
    renderItem: (_: unknown, api: { coord(place: number[]): number[] }) =>
      elementOf(mark, (place) => api.coord([...place])),
  };
}

function elementOf(mark: Mark, pixel: ToPixel) {
  if (mark.type === 'text') {
    const [x, y] = pixel(mark.at);
    const [dx, dy] = mark.shift ?? [0, 0];
    const { text, colour, align = 'center', bold } = mark;
    const font = { fontSize: 12, fontWeight: bold ? ('bold' as const) : ('normal' as const) };
    return {
      type: 'text' as const,
      x: x + dx,
      y: y + dy,
      style: { text, fill: colour, align, verticalAlign: 'middle', ...font },
    };
  }
  const shape = { pathData: pathOf(mark, pixel) };
  if (mark.type === 'area') return { type: 'path' as const, shape, style: filled(mark) };
  if (mark.type === 'dots') {
    return { type: 'path' as const, shape, style: { ...stroked({ ...mark, width: mark.size }), lineCap: 'round' } };
  }
  return { type: 'path' as const, shape, style: { ...stroked(mark), lineJoin: 'round' } };
}

function pathOf(mark: Exclude<Mark, { type: 'text' }>, pixel: ToPixel): string {
  const at = (place: Place) => pixel(place).map(rounded).join(' ');
  switch (mark.type) {
    case 'line':
      return mark.through.map((place, k) => (k === 0 ? 'M' : 'L') + at(place)).join('');
    case 'area':
      return mark.rings
        .map((ring) => `${ring.map((place, k) => (k === 0 ? 'M' : 'L') + at(place)).join('')}Z`)
        .join('');
    case 'dots': // a line of no length with round ends is a dot
      return mark.at.map((place) => `M${at(place)}h0.01`).join('');
    case 'arrows':
      return mark.from.map(({ at, by }) => arrow(pixel(at), pixel([at[0] + by[0], at[1] + by[1]]))).join('');
  }
}

/** A shaft, and a head of at most 5 pixels that is shorter on a short arrow. */
function arrow([x1, y1]: number[], [x2, y2]: number[]): string {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 0.7) return ''; // less than the line is wide
  const head = Math.min(5, 0.4 * length);
  const [ux, uy] = [((x2 - x1) / length) * head, ((y2 - y1) / length) * head];
  const wing = (side: 1 | -1) => `${rounded(x2 - ux + side * 0.6 * uy)} ${rounded(y2 - uy - side * 0.6 * ux)}`;
  return `M${rounded(x1)} ${rounded(y1)}L${rounded(x2)} ${rounded(y2)}M${wing(1)}L${rounded(x2)} ${rounded(y2)}L${wing(-1)}`;
}

const rounded = (value: number) => Math.round(value * 100) / 100;
