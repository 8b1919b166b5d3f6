/**
 * The contract with C++ (`native/binding/`): what crosses the Node boundary.
 *
 * A call crosses once: scalars in a `Float64Array` laid out as `requestFields`, arrays as arguments, results in arrays
 * that TypeScript allocated and in the `report`. The native side re-checks every length and computes; it has no defaults
 * and no opinions.
 */

/** Positions in the request; `native/binding/request.h` has the same list, and the loader compares the two. */
export const requestFields = [
  'anchorCount',
  'candidateCount', // = anchorCount for `candidates: batch`
  'dim',
  'candidateKind', // 0 the batch itself, 1 another labelled set, 2 class weights (candidate c has label c)
  'pairLoss', // 0 circle, 1 unified, 2 arcface, 3 triplet
  'gamma',
  'margin', // unified, arcface, triplet
  'optimumPositive', // circle: O_p
  'optimumNegative', // circle: O_n
  'targetPositive', // circle: Δ_p
  'targetNegative', // circle: Δ_n
  'derivative', // 0 detached (circle) or straight-through (arcface), 1 the full derivative
  'beyondPi', // arcface where θ + m > π: 0 linear, 1 cosine
  'normalize', // 0 rows as given, 1 L2 rows
  'scope', // 0 one log-sum an anchor, 1 one over all pairs
  'reduction', // 0 mean over valid anchors, 1 mean over losses > 0, 2 mean over all anchors, 3 sum
  'upstream', // ∂final/∂loss; ignored where the call has an upstream array
  'checkFinite', // 0 propagate, 1 report the first row that is not finite
  'threads', // at most this many, from 1
  'workspaceLimit', // bytes that tiles of similarities may take; one column of tiles may exceed it
  'precision', // of engines that have the choice: 0 exact, 1 fast
  'optimizer', // of the candidates, moved in place: 0 none, 1 sgd, 2 adam
  'learningRate',
  'weightDecay',
  'momentum', // sgd
  'beta1', // adam
  'beta2', // adam
  'epsilon', // adam
  'step', // adam: the number of this step, from 1
] as const;

/** Positions in the report that a call fills. */
export const reportFields = [
  'status', // see `nativeStatus`
  'array', // where a row is not finite: 0 anchors, 1 candidates
  'row', // its index
  'loss',
  'validAnchors',
  'deviceError', // where a device failed or ran out of memory: the number of the driver's own error
] as const;

/** `report.status`. */
export const nativeStatus = {
  ok: 0,
  notFinite: 1, // a row has NaN or ±Inf
  overflow: 2, // finite rows, but a loss that is not
  outOfMemory: 3,
  aborted: 4,
  invalid: 5, // the request contradicts its arrays: a bug in lib/
  outOfDeviceMemory: 6,
  deviceFailed: 7,
} as const;

/** A running asynchronous call. The promise always fulfils, with the report's status. */
export interface NativeJob {
  readonly done: Promise<number>;
  abort(): void;
}

/** An engine with a workspace that lives as long as the session. */
export interface NativeSession {
  compute(
    request: Float64Array,
    report: Float64Array,
    anchors: Float32Array,
    anchorLabels: Int32Array,
    candidates: Float32Array | NativeDeviceRows | undefined,
    candidateLabels: Int32Array | undefined,
    upstream: Float32Array | undefined,
    anchorLosses: Float32Array,
    gradient: Float32Array | undefined,
    candidateGradient: Float32Array | undefined,
    /** Candidate i is this row of `candidates`; ascending. Of class weights, row r has label r. Default: all rows. */
    candidateRows?: Int32Array,
    /** Of the optimiser: like `candidates`, and moved with them. */
    firstMoment?: Float32Array | NativeDeviceRows,
    secondMoment?: Float32Array | NativeDeviceRows,
  ): number;
  /** The arrays must not change until the promise fulfils: the caller hands over private copies. */
  computeAsync(...arrays: Parameters<NativeSession['compute']>): NativeJob;
  /** Rows of `anchors` against rows of `candidates` (or of `anchors`): out is anchorCount × candidateCount. */
  similarity(
    request: Float64Array,
    report: Float64Array,
    anchors: Float32Array,
    candidates: Float32Array | NativeDeviceRows | undefined,
    out: Float32Array,
    candidateRows?: Int32Array,
  ): number;
  similarityAsync(...arrays: Parameters<NativeSession['similarity']>): NativeJob;
  /** The k nearest candidates of each anchor: both results are anchorCount × k. */
  nearest(
    request: Float64Array,
    report: Float64Array,
    anchors: Float32Array,
    candidates: Float32Array | NativeDeviceRows | undefined,
    similarities: Float32Array,
    indices: Int32Array,
  ): number;
  nearestAsync(...arrays: Parameters<NativeSession['nearest']>): NativeJob;
  /** Similarities of each anchor's own run, and by how many other candidates each of them is reached. */
  rank(
    request: Float64Array,
    report: Float64Array,
    anchors: Float32Array,
    candidates: Float32Array | NativeDeviceRows | undefined,
    ownFirst: Int32Array,
    ownEnd: Int32Array,
    similarities: Float32Array,
    reachedBy: Int32Array,
  ): number;
  rankAsync(...arrays: Parameters<NativeSession['rank']>): NativeJob;
  /** Frees the workspace, after a running job at the latest. Later calls work and grow a new one. */
  release(): void;
  /** Bytes the session holds now. */
  workspaceBytes(): number;
}

/** Rows in a device's memory. Calls in flight keep it after `dispose`; later calls of its own throw a TypeError. */
export interface NativeDeviceRows {
  /** Copies whole rows to or from the device and returns the report's status; a write waits for calls in flight. */
  write(report: Float64Array, values: Float32Array, firstRow: number): number;
  read(report: Float64Array, values: Float32Array, firstRow: number): number;
  dispose(): void;
  /** 0 once disposed. */
  bytes(): number;
}

/** What every addon exports. */
export interface NativeModule {
  readonly requestFields: readonly string[];
  readonly reportFields: readonly string[];
  /** What can run here, best first: of the CPU instruction sets, of CUDA its multiply-adds. */
  readonly variants: readonly string[];
  readonly Session: new (variant: string, device: number) => NativeSession;
}

/** `circle_cpu.node` */
export interface CpuModule extends NativeModule {
  /** e^x of each element by the variant's vector exponential; for its test. */
  exponential(variant: string, values: Float32Array, out: Float32Array): void;
}

/** `NativeAvailability.state`. */
export const cudaState = { ready: 0, noDriver: 1, driverTooOld: 2, noDevice: 3, broken: 4 } as const;

export interface NativeAvailability {
  readonly state: number;
  /** As CUDA counts: 13000 is 13.0; 0 without a driver. */
  readonly driverVersion: number;
  /** What the binary was built with. */
  readonly runtimeVersion: number;
  /** The driver's error where the state is `broken`. */
  readonly error: number;
}

export interface NativeDevice {
  readonly name: string;
  readonly computeMajor: number;
  readonly computeMinor: number;
  readonly memoryBytes: number;
}

/** `circle_cuda.node` */
export interface CudaModule extends NativeModule {
  /** Asks the driver; starts nothing on a device. */
  availability(): NativeAvailability;
  devices(): NativeDevice[];
  /** CUDA's own words. */
  describeError(error: number): string;
  /** Contents are unspecified at first. Where the report's status is not ok, there are no rows. */
  readonly DeviceRows: new (
    report: Float64Array,
    device: number,
    rows: number,
    dim: number,
  ) => NativeDeviceRows;
  /** Zeros in page-locked memory, or where the host forbids foreign memory in ordinary memory; undefined without memory. */
  allocatePinned(length: number): Float32Array | undefined;
  /** Of all engines and rows of this process, page-locked memory included. */
  deviceBytesHeld(): number;
}
