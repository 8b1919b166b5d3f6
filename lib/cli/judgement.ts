/** What an evaluation hands to tables, JSON and reports. */

/** Points of a curve, with what the axes are called. */
export interface Curve {
  title: string;
  x: string;
  y: string;
  scale: 'linear' | 'log';
  points: readonly (readonly [x: number, y: number])[];
}

export interface Judgement {
  /** As the metric said it; of JSON. */
  metrics: object;
  /** The same for people. */
  rows: readonly (readonly [name: string, value: string])[];
  curves: readonly Curve[];
  /** Where a data set differs from the published one. */
  warnings?: readonly string[];
}
