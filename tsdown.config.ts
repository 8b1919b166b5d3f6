import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'lib/index.ts',
    metrics: 'lib/metrics.ts',
    protocols: 'lib/protocols.ts',
    tfjs: 'lib/adapters/tfjs.ts',
  },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
});
