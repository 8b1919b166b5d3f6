"""FAISS's exact search by inner product: the ten nearest rows of each row. Speaks the protocol of bench/contenders/serve.ts.

FAISS neither normalises nor leaves a row itself out: it searches the rows as they are, and one neighbour more.
"""

import json
import sys
import time

import faiss
import numpy


def read(name, count, dim):
    return numpy.fromfile(name, dtype=numpy.float32, count=count * dim).reshape(count, dim)


def main():
    index = queries = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "prepare":
            kind, (n, c, dim) = words[0], map(int, words[1:4])
            queries = read("embeddings", n, dim)
            index = faiss.IndexFlatIP(dim)
            index.add(queries if kind == "pair-wise" else read("candidates", c, dim))
            k = 11 if kind == "pair-wise" else 10
            answer = {"version": faiss.__version__}
        elif command == "time":
            samples = []
            for _ in range(int(words[0])):
                start = time.perf_counter()
                index.search(queries, k)
                samples.append(1000 * (time.perf_counter() - start))
            answer = {"samples": samples}
        else:
            index.search(queries, k)
            answer = {}
        print(json.dumps(answer), flush=True)


main()
