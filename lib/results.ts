/** What calls return. */

/** A loss without gradients: what `gradient: 'skip'` gives. */
export interface PairLossValue {
  /** The losses of the anchors, reduced. */
  loss: number;
  /** N losses, 0 where an anchor lacks a positive or a negative; in scope 'batch' the one loss. */
  anchorLosses: Float32Array;
  /** Anchors that have a positive and a negative; in scope 'batch' 1 or 0. */
  validAnchors: number;
  /** The engine that computed it. */
  engine: 'cuda' | 'cpu' | 'reference';
}

export interface PairLossResult extends PairLossValue {
  /** ∂(final)/∂(embeddings), N × dim. */
  gradient: Float32Array;
  /** ∂(final)/∂(classWeights), C × dim, where there are class weights. */
  classWeightGradient?: Float32Array;
  /** ∂(final)/∂(candidates), M × dim, where `candidateGradient: 'compute'` asks for it. */
  candidateGradient?: Float32Array;
}

/** With class weights their gradient comes too. */
export interface ClassLevelResult extends PairLossResult {
  classWeightGradient: Float32Array;
}

/** With `candidateGradient: 'compute'`. */
export interface CandidateGradientResult extends PairLossResult {
  candidateGradient: Float32Array;
}
