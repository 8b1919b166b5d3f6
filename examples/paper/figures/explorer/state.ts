/** What the explorer shows, as plain numbers: the state, its limits, and how it stands in the address. */
import type { PairLoss } from '../../../../lib/losses.ts';

export const lossNames = ['circle', 'circle-differentiated', 'unified', 'triplet', 'arcface'] as const;
export type LossName = (typeof lossNames)[number];

export interface State {
  loss: LossName;
  margin: number;
  gamma: number;
  sn: number;
  sp: number;
}

export interface Range {
  min: number;
  max: number;
}

/** Of the plane, both ways. Cosines may be less; nothing happens there that is not seen here. */
export const plane: Range = { min: -0.5, max: 1 };
export const gammaRange: Range = { min: 1, max: 1024 };

/** ArcFace's margin is an angle, in radians. */
export function marginRange(loss: LossName): Range {
  if (loss === 'arcface') return { min: 0, max: 1 };
  return loss === 'triplet' || loss === 'unified' ? { min: 0, max: 0.6 } : { min: -0.2, max: 0.5 };
}

/** The triplet loss has no γ: it is the limit of large ones. */
export const hasGamma = (loss: LossName) => loss !== 'triplet';

/** Circle loss as for pair-wise use with a γ at which the eye sees more than a step. */
export const initial: State = { loss: 'circle', margin: 0.25, gamma: 32, sn: 0.5, sp: 0.6 };

/** Margins and γ that a loss begins with when it is chosen: the paper's, but for γ, which stays. */
const usualMargins: Record<LossName, number> = {
  circle: 0.25,
  'circle-differentiated': 0.25,
  unified: 0.35,
  triplet: 0.35,
  arcface: 0.5,
};

export const usualMargin = (loss: LossName) => usualMargins[loss];

export function pairLossOf({ loss, margin, gamma }: State): PairLoss {
  switch (loss) {
    case 'circle':
      return { type: 'circle', margin, gamma };
    case 'circle-differentiated':
      return { type: 'circle', margin, gamma, weighting: 'differentiated' };
    case 'unified':
      return { type: 'unified', margin, gamma };
    case 'triplet':
      return { type: 'triplet', margin };
    case 'arcface':
      return { type: 'arcface', margin, gamma };
  }
}

export const within = (value: number, { min, max }: Range) => Math.min(Math.max(value, min), max);

/** Any numbers made into a state: within the limits, and similarities, margins and γ of no more digits than are shown. */
export function settled(state: State): State {
  return {
    loss: state.loss,
    margin: rounded(within(state.margin, marginRange(state.loss)), 100),
    gamma: rounded(within(state.gamma, gammaRange), 100),
    sn: rounded(within(state.sn, plane), 1000),
    sp: rounded(within(state.sp, plane), 1000),
  };
}

/** Without −0, which an address cannot hold. */
const rounded = (value: number, parts: number) => Math.round(value * parts) / parts + 0;

/** What stands behind the # of the address. */
export function toHash({ loss, margin, gamma, sn, sp }: State): string {
  return `#${new URLSearchParams({ loss, m: String(margin), gamma: String(gamma), sn: String(sn), sp: String(sp) })}`;
}

/** What is missing or makes no sense is as in the beginning. */
export function fromHash(hash: string): State {
  const fields = new URLSearchParams(hash.slice(1));
  const number = (name: string, otherwise: number) => {
    const text = fields.get(name);
    return text === null || text.trim() === '' || !Number.isFinite(Number(text)) ? otherwise : Number(text);
  };
  const loss = lossNames.find((name) => name === fields.get('loss')) ?? initial.loss;
  return settled({
    loss,
    margin: number('m', usualMargin(loss)),
    gamma: number('gamma', initial.gamma),
    sn: number('sn', initial.sn),
    sp: number('sp', initial.sp),
  });
}
