/** What can be known of a native binary before the system loads it: the system's own words are often wrong, or a crash. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Of ELF, as Linux has it: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>. */
const header = { bytes: 64, class64: 2, littleEndian: 1 };
const machines: Record<number, string> = { 62: 'x64', 183: 'arm64', 243: 'riscv64' };

/**
 * Why the file cannot be loaded here, or undefined. A truncated one is not refused by the system: touching a page beyond
 * its end ends the process. Of a binary for another processor it says that there is no such file.
 */
export function flawOf(path: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const bytes = Buffer.alloc(header.bytes);
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const isElf =
      readSync(file, bytes, 0, header.bytes, 0) === header.bytes && bytes.toString('latin1', 1, 4) === 'ELF';
    if (!isElf || bytes[4] !== header.class64 || bytes[5] !== header.littleEndian) return 'no 64-bit binary of Linux';
    const machine = bytes.readUInt16LE(18);
    const name = machines[machine] ?? `machine ${machine}`;
    if (name !== process.arch) return `for ${name}, where this Node is for ${process.arch}`;
    // The table of sections is the last thing in it.
    const end = bytes.readBigUInt64LE(40) + BigInt(bytes.readUInt16LE(58) * bytes.readUInt16LE(60));
    return end > BigInt(size) ? `truncated: ${size} bytes of ${end}` : undefined;
  } finally {
    closeSync(file);
  }
}

/** Whether the system's C library is another than the glibc that published binaries need, as on Alpine Linux. */
export function lacksGlibc(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // else it looks up names of whatever is connected, which takes seconds
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime === undefined;
}
