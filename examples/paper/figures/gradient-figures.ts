/** What each loss does to a pair: as arrows, and as surfaces seen from above. After the paper's Fig. 1 and 3. */
import type { EngineName } from 'circle-loss';
import { boundaryAlongRays, quarterTurn } from './boundary.ts';
import { type Compared, compared, points } from './compared.ts';
import { type Lattice, latticeOf, ringsAbove } from './lattice.ts';
import { type PairValue, type PlaneLoss, type Point, valueAt } from './pair-at.ts';
import { colours, drawSheet, type Mark, type Panel, type Place, type Style } from './plane.ts';

/** An arrow of a gradient of γ is this long: the pitch of the arrows, so that few of them overlap. */
const arrowLength = 0.075;
const arrowCount = 13;
const latticeCount = 50;

/**
 * Between two shades, of a gradient over γ. That of the triplet loss, and of AM-Softmax far from its boundary, is 1, which
 * must not be a level: on which side of it rounding leaves a value would be drawn as if it were something.
 */
const levels = [0.02, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2];

/** γ; the triplet loss is the limit of a loss that has been divided by it (docs/math.md §2). */
export const scaleOf = (pairLoss: PlaneLoss) => (pairLoss.type === 'triplet' ? 1 : pairLoss.gamma!);

export function drawGradients(engine: EngineName): string {
  return drawSheet({
    description:
      'Three panels of the plane of similarities, for triplet loss, AM-Softmax and Circle loss, with arrows along which ' +
      'gradient descent moves a pair. Arrows of triplet loss and AM-Softmax all point the same way and are equally long up to the ' +
      'boundary; those of Circle loss point at the corner where s_n is 0 and s_p is 1, and get shorter towards it.',
    columns: 3,
    panels: compared.map((loss) => arrowPanel(loss, engine)),
    legend: [
      { name: 'where gradient descent goes: −∂L/∂(sₙ, sₚ)', style: arrowStyle, as: 'line' },
      { name: 'decision boundary', style: boundaryStyle, as: 'line' },
      { name: 'pairs A, B, C, with their slopes under the axes', style: { colour: colours.vermilion }, as: 'dot' },
    ],
  });
}

const arrowStyle: Style = { colour: colours.blue, width: 1.3 };
const boundaryStyle: Style = { colour: colours.ink, width: 1.5, dash: [5, 3] };

function arrowPanel({ name, pairLoss }: Compared, engine: EngineName): Panel {
  const scale = scaleOf(pairLoss);
  const arrowOf = ({ sn, sp }: Point, { slopeN, slopeP }: PairValue) => {
    const by: Place = [(-slopeN / scale) * arrowLength, (-slopeP / scale) * arrowLength];
    const at: Place = [sn - by[0] / 2, sp - by[1] / 2]; // its middle is at the pair
    return { at, by };
  };
  const steps = Array.from({ length: arrowCount }, (_, k) => (k + 0.5) / arrowCount);
  const field = steps.flatMap((sp) => steps.map((sn) => arrowOf({ sn, sp }, valueAt({ sn, sp }, pairLoss, engine))));
  return {
    title: name,
    range: [0, 1],
    notes: points.map((point) => noteOf(point, valueAt(point, pairLoss, engine))),
    marks: [
      boundaryOf(pairLoss, engine),
      { type: 'arrows', from: field, ...arrowStyle },
      ...pointMarks(colours.vermilion),
    ],
  };
}

function noteOf({ name, sn, sp }: (typeof points)[number], { slopeN, slopeP }: PairValue): string {
  const text = (value: number) => value.toFixed(2).replace('-', '−');
  return `${name} (${sn}, ${sp}):  ∂L/∂sₙ = ${text(slopeN)},  ∂L/∂sₚ = ${text(slopeP)}`;
}

function boundaryOf(pairLoss: PlaneLoss, engine: EngineName): Mark {
  const through = boundaryAlongRays(pairLoss, quarterTurn(65), engine).map(({ sn, sp }): Place => [sn, sp]);
  return { type: 'line', through, ...boundaryStyle };
}

function pointMarks(colour: string): Mark[] {
  return [
    { type: 'dots', at: points.map(({ sn, sp }): Place => [sn, sp]), size: 8, colour },
    ...points.map(
      ({ name, sn, sp }): Mark => ({ type: 'text', at: [sn, sp], text: name, colour, shift: [11, -9], bold: true }),
    ),
  ];
}

export function drawGradientSurfaces(engine: EngineName): string {
  const lattices = compared.map(({ pairLoss }) => latticeOf(pairLoss, latticeCount, engine));
  const row = (side: 'sₙ' | 'sₚ', of: (value: PairValue) => number) =>
    compared.map(({ name, pairLoss }, k): Panel => {
      const marks = [...bandsOf(lattices[k], (value) => of(value) / scaleOf(pairLoss)), boundaryOf(pairLoss, engine)];
      return {
        title: `|∂L/∂${side}| ÷ γ, ${name.split(',')[0]}`,
        range: [0, 1],
        marks: [...marks, ...pointMarks(colours.ink)],
      };
    });
  return drawSheet({
    description:
      'Six panels of the plane of similarities: the size of the gradient with respect to s_n, above, and s_p, below, for triplet ' +
      'loss, AM-Softmax and Circle loss. For the first two it is flat and the same above and below, with a step at the boundary. For ' +
      'Circle loss that of s_n grows with s_n, and that of s_p grows as s_p falls.',
    columns: 3,
    panels: [...row('sₙ', ({ slopeN }) => slopeN), ...row('sₚ', ({ slopeP }) => -slopeP)],
    legend: [
      ...[0, 2, 4, 6, 8].map((k) => ({
        name: `above ${levels[k]}`,
        style: { colour: bandColour(k) },
        as: 'area' as const,
      })),
      { name: 'decision boundary', style: boundaryStyle, as: 'line' },
    ],
  });
}

function bandsOf(lattice: Lattice, height: (value: PairValue) => number): Mark[] {
  return ringsAbove(lattice, lattice.values.map(height), levels).flatMap((rings, k) =>
    rings.length === 0 ? [] : [{ type: 'area', rings, colour: bandColour(k) }],
  );
}

/** From nearly white to blue: darker is more, also in grey. */
function bandColour(band: number): string {
  const share = band / (levels.length - 1);
  const channel = (light: number, dark: number) => Math.round(light + (dark - light) * share);
  return `rgb(${channel(236, 8)},${channel(244, 81)},${channel(251, 156)})`;
}
