/** A thread that publishes weights as fast as it can, version v of them all equal to v, until it is told to stop. */
import { workerData } from 'node:worker_threads';
import { SharedWeights } from '../../examples/worker/shared-weights.ts';

const { weights, stop, length } = workerData as { weights: SharedArrayBuffer; stop: Int32Array; length: number };
const shared = new SharedWeights(weights);
const values = new Float32Array(length);
while (Atomics.load(stop, 0) === 0) {
  values.fill(shared.version + 1);
  shared.publish([{ values, gradient: values }]);
}
