/** Who is measured: every engine in every variant and precision, and a plain implementation. */
import type { Case } from '../../test/cases.ts';
import { cpuEngines, cudaEngines, engineList, type ListedEngine, sessionOn } from '../../test/engine-list.ts';
import { neonEngines } from './emulated-neon.ts';
import { plainFloat32 } from './plain-float32.ts';

export interface Contender {
  readonly name: string;
  /** The most multiply-adds of similarities that it has time for. */
  readonly most: number;
  compute(testCase: Case): { loss: number; gradient: Float32Array } | undefined;
}

/** 128 × 128 × 512: a third of a second on a GPU that a CPU plays. */
const mostEmulated = 2 ** 23;

const on = (engine: ListedEngine, name = engine.name, options: object = {}): Contender => {
  const isEmulated = name.startsWith('cuda') || name.endsWith('neon');
  return {
    name,
    most: isEmulated ? mostEmulated : Number.POSITIVE_INFINITY,
    compute: ({ embeddings, labels, options: given }) => {
      using session = sessionOn(engine, { ...given, ...options });
      return session.compute(embeddings, labels);
    },
  };
};

export const contenders: readonly Contender[] = [
  ...engineList.filter(({ name }) => name === 'reference').map((engine) => on(engine)),
  ...cpuEngines.map((engine) => on(engine)),
  ...neonEngines.map((engine) => on(engine)),
  ...cudaEngines.map((engine) => on(engine)),
  ...cudaEngines.slice(0, 1).map((engine) => on(engine, 'cuda fast', { precision: 'fast' })),
  {
    name: 'plain float32',
    most: 2 ** 25,
    compute: ({ embeddings, labels, options }) => plainFloat32(embeddings, labels, options),
  },
];
