/** A process of its own, `node --import tsx delay-entry.ts <milliseconds>`: says as JSON what was measured. */
import { measureDelays, measureFairness } from './delay.ts';

const phase = Number(process.argv[2]);
const delays = await measureDelays(phase);
console.log(JSON.stringify({ delays, fairness: await measureFairness(2 * phase) }));
