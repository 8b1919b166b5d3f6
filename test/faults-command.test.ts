/** The command with files that are none: said before the work, and with what to do. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { npyBytes, put, run, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
const labels = put(folder, 'labels.txt', '0\n0\n1\n1\n');
const rows = put(folder, 'rows.npy', npyBytes('<f4', [4, 2], [1, 0, 1, 0.1, 0, 1, 0.1, 1]));

describe('embeddings', () => {
  it('that are a pipe are refused at once, not read as empty', () => {
    expect(spawnSync('mkfifo', [join(folder, 'pipe.f32')]).status).toBe(0);
    const { status, stderr } = run(folder, 'evaluate', 'pipe.f32', '--dim', '2', '--labels', labels);
    expect(status).not.toBe(0);
    expect(stderr).toContain(
      'pipe.f32 must be a file; received a pipe, a device or a folder; write it to a file first.',
    );
  });

  it('that are empty are refused', () => {
    const { status, stderr } = run(folder, 'evaluate', put(folder, 'none.f32', ''), '--dim', '2', '--labels', labels);
    expect(status).not.toBe(0);
    expect(stderr).toContain('none.f32 must be a file with something in it; received an empty one.');
  });

  it('of another byte order, or cut short, are refused with what to do', () => {
    const whole = npyBytes('<f4', [4, 2], [1, 0, 1, 0.1, 0, 1, 0.1, 1]);
    for (const [name, bytes] of [
      ['big.npy', npyBytes('>f4', [4, 2], [1, 0, 1, 0.1, 0, 1, 0.1, 1])],
      ['cut.npy', whole.subarray(0, whole.length - 4)],
      ['head.npy', whole.subarray(0, 30)],
    ] as const) {
      const { status, stderr } = run(folder, 'evaluate', put(folder, name, bytes), '--labels', labels);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/numpy\.save\(|save it again/);
      expect(stderr).not.toMatch(/\n\s+at /); // no stack
    }
  });
});

describe('a report that cannot be written', () => {
  it.each(['none/report.html', 'folder'])('%s is refused before the embeddings are read', (path) => {
    mkdirSync(join(folder, 'folder'), { recursive: true });
    const { status, stderr } = run(folder, 'evaluate', 'there-are-no-such.npy', '--labels', labels, '--html', path);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`${path} must be a file that can be written`);
    expect(run(folder, 'evaluate', rows, '--labels', labels).status).toBe(0);
  });
});
