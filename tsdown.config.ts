import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['lib/index.ts'],
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
});
