/**
 * The report of what each entry point exports, with its types: what a change to it does to users can be read there.
 *
 *   npm run api            writes release/api/*.api.md
 *   npm run api -- --check fails when one of them is not what it would write
 */

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../scripts/install.ts';

installPackages('release');
const { Extractor, ExtractorConfig, ExtractorLogLevel } = await import('@microsoft/api-extractor');

const root = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join(root, 'release/api');
const TEMPORARY = join(root, 'build/api');

/** Declarations of the entry points that are modules of ours. */
function entryPoints(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly types?: string }>>;
  };
  const types = Object.entries(exports).flatMap(([name, entry]) =>
    typeof entry === 'object' && entry.types !== undefined && !/\.(wasm|js)$/.test(name) ? [entry.types] : [],
  );
  return types.map((path) => join(root, path));
}

/** @returns whether the report is as it was, or was written */
function reportOf(declarations: string, check: boolean): boolean {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    lib: ['es2024', 'dom', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true, // of declarations that TypeScript itself has written
    noEmit: true,
  };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: declarations,
      compiler: { overrideTsconfig: { compilerOptions, files: [declarations] } },
      apiReport: {
        enabled: true,
        reportFileName: basename(declarations, '.d.ts'),
        reportFolder: REPORTS,
        reportTempFolder: TEMPORARY,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (check && apiReportChanged) console.error(`${basename(declarations)}: the exports have changed; run npm run api`);
  return errorCount === 0 && !(check && apiReportChanged);
}

const check = process.argv.includes('--check');
if (!check) rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });
const results = entryPoints().map((declarations) => reportOf(declarations, check));
if (results.includes(false)) process.exitCode = 1;
