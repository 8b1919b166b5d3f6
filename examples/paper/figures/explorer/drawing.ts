/// <reference lib="dom" />
/** The plane as SVG, in pixels of the screen, so that text stays readable on a narrow one. */
import { contours } from 'd3-contour';
import { lossOf, numbersAt, type PairNumbers, sumField } from './pair.ts';
import { plane, type State, within } from './state.ts';

/** What a drawing needs to know of the screen. */
export interface Canvas {
  /** Of the square. */
  size: number;
}

const margin = { left: 44, right: 12, top: 12, bottom: 40 };
const span = plane.max - plane.min;

/** An arrow of the pair has this length, in similarity, where its slope is γ. */
const pushLength = 0.22;
const longestPush = 0.5;

const fieldCount = 201;
/** Between two lines of equal u, over γ. */
const levelStep = 0.125;

export interface Scales {
  x(sn: number): number;
  y(sp: number): number;
  toPair(x: number, y: number): { sn: number; sp: number };
}

export function scalesOf({ size }: Canvas): Scales {
  const unit = (size - margin.left - margin.right) / span;
  // Height and width of the frame are the same but for what the margins differ by.
  const unitY = (size - margin.top - margin.bottom) / span;
  return {
    x: (sn) => margin.left + (sn - plane.min) * unit,
    y: (sp) => margin.top + (plane.max - sp) * unitY,
    toPair: (x, y) => ({ sn: plane.min + (x - margin.left) / unit, sp: plane.max - (y - margin.top) / unitY }),
  };
}

/** γ, or 1 where there is none: what slopes and logits are divided by, to be comparable. */
export function scaleOf(state: State): number {
  const pairLoss = lossOf(state);
  return pairLoss.type === 'triplet' ? 1 : pairLoss.gamma;
}

/** All that does not move with the pair. */
export function drawGround(state: State, canvas: Canvas): string {
  const scales = scalesOf(canvas);
  const [left, right] = [scales.x(plane.min), scales.x(plane.max)];
  const [top, bottom] = [scales.y(plane.max), scales.y(plane.min)];
  const box = `x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"`;
  return [
    `<clipPath id="inside"><rect ${box}/></clipPath>`,
    `<g clip-path="url(#inside)">${regions(state, scales)}${fieldArrows(state, canvas, scales)}</g>`,
    `<rect class="frame" ${box}/>`,
    labels(scales, ticksOf(canvas)),
    hasTarget(state) ? target(state, scales) : '',
  ].join('');
}

/** With a margin below 0 the target is beyond what a similarity can be. */
export const hasTarget = ({ loss, margin: m }: State) => loss.startsWith('circle') && m >= 0;

/** What is content, and lines of equal u; the levels are of u/γ, so that they stay where they are when γ changes. */
function regions(state: State, scales: Scales): string {
  const step = span / (fieldCount - 1);
  const scale = scaleOf(state);
  const field = sumField(state, fieldCount, (k) => plane.min + k * step).map((sum) => -sum / scale);
  const levels = Array.from({ length: 24 }, (_, k) => -(k + 1) * levelStep);
  const toPixels = ([column, row]: number[]) =>
    `${decimal(scales.x(plane.min + (column - 0.5) * step))} ${decimal(scales.y(plane.min + (row - 0.5) * step))}`;
  const paths = contours()
    .size([fieldCount, fieldCount])
    .thresholds([...levels, 0])(field)
    .map(({ coordinates }) =>
      coordinates
        .flat()
        .map((ring) => `M${ring.map(toPixels).join('L')}Z`)
        .join(''),
    );
  // d3 gives thresholds back in ascending order, so 0, where the boundary is, comes last.
  const boundary = paths.pop() ?? '';
  const lines = paths.map((path) => `<path class="level" d="${path}"/>`).join('');
  return `<path class="content" d="${boundary}"/>${grid(scales)}${lines}<path id="boundary" class="boundary" d="${boundary}"/>`;
}

function grid(scales: Scales): string {
  const ends = [plane.min, plane.max];
  return quarters
    .map((value) => {
      const across = `x1="${scales.x(ends[0])}" x2="${scales.x(ends[1])}" y1="${scales.y(value)}" y2="${scales.y(value)}"`;
      const up = `x1="${scales.x(value)}" x2="${scales.x(value)}" y1="${scales.y(ends[0])}" y2="${scales.y(ends[1])}"`;
      return `<line class="grid" ${across}/><line class="grid" ${up}/>`;
    })
    .join('');
}

const quarters = [-0.5, -0.25, 0, 0.25, 0.5, 0.75, 1];
const ticksOf = ({ size }: Canvas) => (size < 440 ? [-0.5, 0, 0.5, 1] : quarters);

function labels(scales: Scales, ticks: readonly number[]): string {
  const [left, bottom] = [scales.x(plane.min), scales.y(plane.min)];
  const marks = ticks.flatMap((value) => {
    const text = signed(String(value));
    const onX = `<text text-anchor="middle" x="${scales.x(value)}" y="${bottom + 17}">${text}</text>`;
    const onY = `<text text-anchor="end" x="${left - 6}" y="${scales.y(value) + 4}">${text}</text>`;
    // The corner has room for one of the two.
    return value === plane.min ? [onX] : [onX, onY];
  });
  const name = (of: string, x: number, y: number) =>
    `<text class="name" text-anchor="middle" x="${x}" y="${y}">s<tspan dy="4" font-size="11">${of}</tspan></text>`;
  return [...marks, name('n', scales.x(0.25), bottom + 34), name('p', 13, scales.y(0.375))].join('');
}

function target({ margin: m }: State, scales: Scales): string {
  const [x, y] = [scales.x(m), scales.y(1 - m)];
  return `<path class="target" d="M${x - 7} ${y}L${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}Z"/>`;
}

function fieldArrows(state: State, { size }: Canvas, scales: Scales): string {
  const count = size < 480 ? 10 : 15;
  const pitch = span / count;
  const scale = scaleOf(state);
  const middles = Array.from({ length: count }, (_, k) => plane.min + (k + 0.5) * pitch);
  const paths = middles.flatMap((sp) =>
    middles.map((sn) => {
      const { gradientN, gradientP } = numbersAt(state, sn, sp);
      // Of a gradient of γ on both sides it is as long as arrows are apart.
      const dn = within((-gradientN / scale) * 0.7, { min: -1, max: 1 }) * pitch;
      const dp = within((-gradientP / scale) * 0.7, { min: -1, max: 1 }) * pitch;
      const from = [scales.x(sn - dn / 2), scales.y(sp - dp / 2)];
      return arrow(from, [scales.x(sn + dn / 2), scales.y(sp + dp / 2)], 5);
    }),
  );
  return `<path class="flow" d="${paths.join('')}"/>`;
}

/** The pair, and how hard it is pushed along each axis. */
export function drawPair(state: State, numbers: PairNumbers, canvas: Canvas): string {
  const scales = scalesOf(canvas);
  const scale = scaleOf(state);
  const [x, y] = [scales.x(state.sn), scales.y(state.sp)];
  const length = (gradient: number) =>
    within((-gradient / scale) * pushLength, { min: -longestPush, max: longestPush });
  const tipX = scales.x(state.sn + length(numbers.gradientN));
  const tipY = scales.y(state.sp + length(numbers.gradientP));
  const isRight = x > canvas.size - margin.right - 64; // too far for a number of five digits
  const beside = isRight ? { at: x - 9, anchor: 'end' } : { at: x + 9, anchor: 'start' };
  return [
    `<path class="negative push" d="${arrow([x, y], [tipX, y], 9)}"/>`,
    `<path class="positive push" d="${arrow([x, y], [x, tipY], 9)}"/>`,
    `<circle class="grip" cx="${x}" cy="${y}" r="24"/>`,
    `<circle class="ring" cx="${x}" cy="${y}" r="14"/>`,
    `<circle class="handle" cx="${x}" cy="${y}" r="9"/>`,
    number('negative', shown(numbers.gradientN), within(tipX, { min: 76, max: x - 14 }), y + 24, 'end'),
    number('positive', shown(numbers.gradientP), beside.at, Math.max(tipY + 4, 28), beside.anchor),
  ].join('');
}

function number(side: 'negative' | 'positive', text: string, x: number, y: number, anchor: string): string {
  if (text === '0') return ''; // nothing is pushed
  return `<text class="${side} number" aria-hidden="true" text-anchor="${anchor}" x="${decimal(x)}" y="${decimal(y)}">${text}</text>`;
}

/** A shaft, and a head that is shorter on a short arrow; nothing where the way is shorter than a line is wide. */
function arrow([x1, y1]: number[], [x2, y2]: number[], headLength: number): string {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 1) return '';
  const head = Math.min(headLength, 0.45 * length);
  const [ux, uy] = [((x2 - x1) / length) * head, ((y2 - y1) / length) * head];
  const tip = `${decimal(x2)} ${decimal(y2)}`;
  const wing = (side: 1 | -1) => `${decimal(x2 - ux + side * 0.6 * uy)} ${decimal(y2 - uy - side * 0.6 * ux)}`;
  return `M${decimal(x1)} ${decimal(y1)}L${tip}M${wing(1)}L${tip}L${wing(-1)}`;
}

const decimal = (value: number) => String(Math.round(value * 10) / 10);

const signed = (text: string) => text.replaceAll('-', '−');

/** Three digits or so: what one reads while dragging. */
export function shown(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.001) return signed(value.toExponential(1));
  return signed(size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(3));
}
