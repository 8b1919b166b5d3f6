/** Files that are named on the command line. */
import { resolve } from 'node:path';

/** npm changes the working directory; INIT_CWD is where the user typed the command. */
export function fileOfUser(path: string): string {
  return resolve(process.env.INIT_CWD ?? '.', path);
}
