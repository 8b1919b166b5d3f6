/** Stands in for `circle-loss/metrics` until it is there. */
export function evaluateVerification(
  similarities: Float32Array,
  same: Uint8Array,
  { falseAcceptRates }: { falseAcceptRates: readonly number[] },
) {
  const genuine = similarities.filter((_, i) => same[i] === 1).sort();
  const impostor = similarities.filter((_, i) => same[i] === 0).sort();
  const above = (sorted: Float32Array, t: number) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (sorted[mid] > t) high = mid;
      else low = mid + 1;
    }
    return sorted.length - low;
  };
  const tarAtFar = falseAcceptRates.map((far) => {
    const threshold = impostor[impostor.length - 1 - Math.floor(far * impostor.length)];
    return { far, tar: above(genuine, threshold) / genuine.length };
  });
  let equalErrorRate = 1;
  for (let k = 0; k < 4000; k++) {
    const t = genuine[Math.floor((k / 4000) * genuine.length)];
    const worst = Math.max(above(impostor, t) / impostor.length, 1 - above(genuine, t) / genuine.length);
    equalErrorRate = Math.min(equalErrorRate, worst);
  }
  return { tarAtFar, equalErrorRate };
}
