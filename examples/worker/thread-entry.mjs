/**
 * Where every thread begins: reads the TypeScript file that its first argument names. JavaScript, because Node 20 starts
 * no worker in TypeScript: what `--import tsx` sets up is for the main thread alone.
 */
import { register } from 'tsx/esm/api';

register();
await import(new URL(process.argv[2], import.meta.url).href);
