/** A batch for the programs beside this file, which run the built package as a user's process would. */
export function batch(count, dim) {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 2 ** 31;
  };
  const embeddings = Float32Array.from({ length: count * dim }, () => next() - 0.5);
  return { embeddings, labels: Int32Array.from({ length: count }, () => Math.floor(next() * 10)) };
}
