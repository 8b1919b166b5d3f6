/** This package's searches, one a process: `search.ts retrieval|re-identification|nearest`. Rows have the labels of the workload. */
import { engines, findNearest } from 'circle-loss';
import { evaluateReIdentification, evaluateRetrieval } from 'circle-loss/metrics';
import type { Workload, WorkloadData } from '../workloads.ts';
import { serveSteps } from './serve.ts';

type Search = (workload: Workload, data: WorkloadData) => () => object;

const cameras = (count: number) => Int32Array.from({ length: count }, (_, row) => row % 6);

const searches: Record<string, Search> = {
  retrieval: ({ dim, kind }, { embeddings, labels, candidates, candidateLabels }) => {
    const gallery = kind === 'pair-wise' ? {} : { gallery: candidates, galleryLabels: candidateLabels };
    return () => evaluateRetrieval(embeddings, labels, { dim, engine: 'cpu', ...gallery });
  },
  're-identification': ({ dim }, { embeddings, labels, candidates, candidateLabels }) => {
    const query = { embeddings, labels, cameras: cameras(labels.length) };
    const gallery = { embeddings: candidates!, labels: candidateLabels!, cameras: cameras(candidateLabels!.length) };
    return () => evaluateReIdentification(query, gallery, { dim, engine: 'cpu' });
  },
  nearest: ({ dim, anchors }, { embeddings, candidates }) => {
    const k = Math.min(10, anchors - 1);
    return () => findNearest(embeddings, { dim, k, candidates, engine: 'cpu' });
  },
};

const version = engines().find(({ name }) => name === 'cpu')?.variant ?? '';
serveSteps(searches[process.argv[2]], version, (last) => last);
