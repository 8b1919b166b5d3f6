import { it } from 'vitest';
import { readGolden } from './golden.ts';
import { computeInDouble, cudaEngines, sessionOn } from './engine-list.ts';
it('sim', () => {
  const g = readGolden().find((c) => c.id === 'zero_row__tiny_circle__m0.4_g80')!;
  const d = g.options.dim;
  for (const e of cudaEngines) {
    using s = sessionOn(e, g.options);
    const f = s.compute(g.embeddings, g.labels);
    let mx = 0, n0 = 0;
    const N = g.labels.length;
    for (let i = 0; i < N; i++) {
      const norm = Math.max(Math.hypot(...g.embeddings.subarray(i * d, (i + 1) * d)), 1e-12);
      let worst = 0, big = 0;
      for (let k = i * d; k < (i + 1) * d; k++) { worst = Math.max(worst, Math.abs(f.gradient[k] - g.expected.gradient[k]) * norm); big = Math.max(big, Math.abs(g.expected.gradient[k]) * norm); }
      mx = Math.max(mx, big);
      if (norm < 1e-10) console.log(e.name, 'row', i, 'norm', norm, 'unit gradient', big, 'error', worst);
    }
    console.log(e.name, 'N', N, 'dim', d, 'largest unit gradient', mx, 'loss', f.loss, g.tags);
  }
});
