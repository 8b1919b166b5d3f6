/** Decision boundaries as an engine has them, with the formulas drawn over them. After the paper's Fig. 1 (b), Eq. 7 and 8. */
import type { EngineName } from 'circle-loss';
import { boundaryAlongRays, quarterTurn } from './boundary.ts';
import { compared, margins } from './compared.ts';
import type { PlaneLoss } from './pair-at.ts';
import { colours, drawSheet, type Mark, type Panel, type Place } from './plane.ts';

/** Of the pair losses whose boundary is drawn; it is the same for every γ (`boundary.ts`). */
const gamma = 64;

export const circleLossOf = (margin: number): PlaneLoss => ({ type: 'circle', margin, gamma });

export function drawBoundaries(engine: EngineName): string {
  return drawSheet({
    description:
      'Two panels of the plane of similarities. Left: decision boundaries of Circle loss for the margins 0.1, 0.25 and 0.4; ' +
      'dots found by the engine lie on circles around s_n 0, s_p 1, and each circle has its target point at s_n m, s_p 1 − m. Right: ' +
      'the boundary of AM-Softmax and triplet loss is a straight line, along which T and T′ are equally good.',
    columns: 2,
    side: 330,
    panels: [circlePanel(engine), comparisonPanel(engine)],
    legend: [
      { name: 'found by the engine', style: { colour: colours.ink }, as: 'dot' },
      { name: 'the formula', style: { colour: colours.muted }, as: 'line' },
      { name: 'Circle loss', style: { colour: colours.blue }, as: 'area' },
      { name: 'AM-Softmax, m = 0.35', style: { colour: colours.vermilion }, as: 'area' },
      { name: 'triplet, m = 0.35', style: { colour: colours.green }, as: 'area' },
    ],
  });
}

function circlePanel(engine: EngineName): Panel {
  const marks = margins.flatMap((margin): Mark[] => [
    { type: 'line', through: circleOf(margin), ...blue },
    dotsOf(circleLossOf(margin), 17, colours.blue, engine),
    target([margin, 1 - margin], colours.blue),
    label([0, 1 - Math.SQRT2 * margin], `m = ${margin}`, colours.blue, [8, 12]),
  ]);
  return {
    title: 'Circle loss: sₙ² + (sₚ − 1)² = 2m²',
    range: [0, 1],
    notes: ['Large: the target of each circle, (m, 1 − m).', 'In the corner: the centre of all, (0, 1).'],
    marks: [...marks, target([0, 1], colours.ink)],
  };
}

/** Two pairs that AM-Softmax with this margin takes for equally good. */
const [t, otherT]: readonly Place[] = [
  [0.15, 0.5],
  [0.45, 0.8],
];

function comparisonPanel(engine: EngineName): Panel {
  const [triplet, amSoftmax, circle] = compared;
  const margin = t[1] - t[0];
  const ends: Place[] = [
    [0, margin],
    [1 - margin, 1],
  ];
  return {
    title: 'A line, and a circle',
    range: [0, 1],
    notes: [
      'T and T′ are as good for the line: sₚ − sₙ = 0.35; yet sₚ of T',
      'is but 0.05 above sₙ of T′. Of the points of the circle,',
      'the target has the smallest gap, 1 − 2m = 0.5.',
    ],
    marks: [
      { type: 'line', through: ends, colour: colours.vermilion },
      dotsOf(amSoftmax.pairLoss, 17, colours.vermilion, engine),
      dotsOf(triplet.pairLoss, 12, colours.green, engine),
      { type: 'line', through: circleOf(0.25), ...blue },
      dotsOf(circle.pairLoss, 17, colours.blue, engine),
      target(t, colours.vermilion),
      target(otherT, colours.vermilion),
      target([0.25, 0.75], colours.blue),
      label(t, 'T', colours.vermilion, [10, 10]),
      label(otherT, 'T′', colours.vermilion, [10, 10]),
      label([0, 1 - Math.SQRT2 * 0.25], 'm = 0.25', colours.blue, [8, 12]),
    ],
  };
}

const blue = { colour: colours.blue };
const target = (at: Place, colour: string): Mark => ({ type: 'dots', at: [at], size: 12, colour });
const label = (at: Place, text: string, colour: string, shift: Place): Mark => ({
  type: 'text',
  at,
  text,
  colour,
  align: 'left',
  shift,
});

function dotsOf(pairLoss: PlaneLoss, count: number, colour: string, engine: EngineName): Mark {
  const at = boundaryAlongRays(pairLoss, quarterTurn(count), engine).map(({ sn, sp }): Place => [sn, sp]);
  return { type: 'dots', at, size: 5, colour };
}

/** The quarter of s_n² + (s_p − 1)² = 2m² that is in the square, as the formula has it. */
function circleOf(margin: number): Place[] {
  const radius = Math.SQRT2 * margin;
  return quarterTurn(49).map((angle): Place => [radius * Math.cos(angle), 1 - radius * Math.sin(angle)]);
}
