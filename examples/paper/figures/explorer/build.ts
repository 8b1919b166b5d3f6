/** The explorer as one file: the page with its style and script inside, and the formulas and reference engine of `lib` in that. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const folder = import.meta.dirname;
const root = join(folder, '../../../..');

/** The text of the page. The same sources give the same text. */
export async function buildExplorer(): Promise<string> {
  const script = await bundle('page.ts');
  const style = await bundle('page.css');
  const page = await readFile(join(folder, 'page.html'), 'utf8');
  // Functions, because in a replacement text "$&" and its like, which minified code may have, mean something.
  return page
    .replace('/* style */', () => style.text)
    .replace('/* script */', () => script.text)
    .replace('<!-- licences -->', () => `<!--\n${script.licences}\n-->`);
}

/** Code and style with nothing left to load, and the licences of the packages that are in it. */
async function bundle(entry: string): Promise<{ text: string; licences: string }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(folder, entry)],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    charset: 'utf8',
    target: ['chrome105', 'firefox110', 'safari16'],
    legalComments: 'none', // `licences` has them whole
    logLevel: 'silent', // errors are thrown, and say the same
  });
  const text = outputFiles[0].text.trim();
  if (text.includes('</script')) throw new Error(`${entry} holds a text that would end its element.`);
  const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  const licences = [...new Set(packages)].sort().map((name) => licenceOf(name));
  return { text, licences: (await Promise.all(licences)).join('\n') };
}

async function licenceOf(packageFolder: string): Promise<string> {
  const text = await readFile(join(root, packageFolder, 'LICENSE'), 'utf8');
  return `With ${basename(packageFolder)}:\n${text.replaceAll('--', '- -')}`;
}
