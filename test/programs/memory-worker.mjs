/** A thread that uses the package, says so, and is ended with all that it has. */
import { parentPort } from 'node:worker_threads';
import { createClassHead, createPairLoss } from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const dim = 8;
const options = { dim, engine: 'cpu', threads: 2, pairLoss: { type: 'circle' } };
const { embeddings, labels } = batch(256, dim);
const session = createPairLoss(options);
session.compute(embeddings, labels);
await session.computeAsync(embeddings, labels);
const head = createClassHead({ ...options, classes: 64, optimizer: { type: 'sgd', learningRate: 0.1 } });
parentPort.postMessage(head.predict(embeddings).classes.length);
