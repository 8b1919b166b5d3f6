import { defineConfig, type UserConfig } from 'tsdown';

const library = {
  index: 'lib/index.ts',
  metrics: 'lib/metrics.ts',
  protocols: 'lib/protocols.ts',
  tfjs: 'lib/adapters/tfjs.ts',
};
const common: UserConfig = {
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
  // `Disposable` is in no library of TypeScript that a target brings; without it every consumer would have to name it.
  banner: { dts: '/// <reference lib="esnext.disposable" />' },
};

/** The command is nobody's import, so it needs one format only; in one build with the library it shares its code. */
export default defineConfig([
  {
    ...common,
    entry: { ...library, 'circle-loss': 'lib/cli/main.ts' },
    format: 'esm',
    copy: [{ from: 'lib/cli/report.eta', to: 'dist' }],
  },
  { ...common, entry: library, format: 'cjs' },
]);
