/** The public types, read by the compiler; the `.test-d.ts` files say what must pass and what must not. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

it('types accept what is meant and reject what is not', () => {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const { config } = ts.readConfigFile(path('../tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, path('..'));
  const program = ts.createProgram(['types.test-d.ts', 'tfjs-types.test-d.ts'].map(path), options);
  const messages = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(messages).toEqual([]);
});
