/** Measures the cells whose names it is sent. */
import { contenders } from './contenders.ts';
import { errorsIn } from './errors.ts';
import { cells } from './grid.ts';

const named = new Map(cells.map((cell) => [cell.name, cell]));

process.on('message', (name: string) => process.send!(errorsIn(named.get(name)!, contenders)));
