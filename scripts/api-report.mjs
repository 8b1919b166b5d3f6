/**
 * The public API of each entry point as text, in api/: what `dist` promises to a compiler, so that a change of it shows in a
 * diff. `npm run api` rewrites the files; with --check they are compared, and a difference is a failure.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const localBuild = !process.argv.includes('--check');
const temporary = mkdtempSync(join(tmpdir(), 'circle-loss-api-'));

function report(entry) {
  const config = ExtractorConfig.prepare({
    configObject: {
      mainEntryPointFilePath: join(root, `dist/${entry}.d.mts`),
      projectFolder: root,
      compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: entry,
        reportFolder: join(root, 'api'),
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        // What is internal is not exported at all; there are no release tags.
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, { localBuild, showVerboseMessages: false });
  return succeeded && (localBuild || !apiReportChanged);
}

mkdirSync(join(root, 'api'), { recursive: true });
const changed = ['index', 'metrics', 'protocols', 'tfjs'].filter((entry) => !report(entry));
rmSync(temporary, { recursive: true });
if (changed.length > 0) {
  console.error(
    `api-report: the public API of ${changed.join(', ')} is not what api/ says. npm run api rewrites it; look at the diff.`,
  );
  process.exit(1);
}
