import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { index: 'lib/index.ts', tfjs: 'lib/adapters/tfjs.ts', metrics: 'lib/metrics.ts' },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
});
