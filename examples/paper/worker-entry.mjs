/** Where a worker thread begins. JavaScript, because Node 20 starts no worker in TypeScript: `--import tsx` is for the main thread alone. */
import { register } from 'tsx/esm/api';

register();
export const { default: run } = await import('./worker.ts');
export default run;
