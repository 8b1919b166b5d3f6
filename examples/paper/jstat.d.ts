/** jstat comes without types; these are of what is used here. */
declare module 'jstat' {
  const jStat: {
    mean(values: readonly number[]): number;
    /** `isSample`: divided by n − 1. */
    stdev(values: readonly number[], isSample: boolean): number;
    studentt: { inv(probability: number, degreesOfFreedom: number): number };
  };
  export default jStat;
}
