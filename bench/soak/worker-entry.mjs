/** What a thread starts with: from here on it understands TypeScript. */
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
