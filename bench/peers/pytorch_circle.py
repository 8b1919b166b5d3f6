"""PyTorch eager on the bench's workloads: what a training script without a fused kernel does.

Per-anchor Circle loss by the formula of pytorch-metric-learning (masked logits, two log-sum-exps an anchor, softplus,
mean over anchors with a loss), written anew; gradients by autograd. Class-level labels use the same formula with class
weights as candidates. Argument: number of threads. Speaks the protocol of bench/contenders/serve.ts.
"""

import json
import os
import sys
import time

threads = int(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)

import torch  # noqa: E402  (reads the two variables when it is loaded)

torch.set_num_threads(threads)


class Problem:
    def __init__(self, kind, embeddings, labels, candidates, candidate_labels, margin, gamma):
        self.kind, self.margin, self.gamma = kind, margin, gamma
        self.embeddings = embeddings.requires_grad_()
        self.labels = labels
        self.candidates = candidates
        self.candidate_labels = candidate_labels
        if kind == "class-level":
            self.candidates.requires_grad_()
            self.candidate_labels = torch.arange(len(candidates))

    def step(self):
        """Returns loss, gradient of the embeddings and, for class-level labels, of the class weights."""
        self.embeddings.grad = None
        if self.kind == "class-level":
            self.candidates.grad = None
        loss = self.loss()
        loss.backward()
        return loss.item(), self.embeddings.grad, self.candidates.grad if self.kind == "class-level" else None

    def loss(self):
        normalize = torch.nn.functional.normalize
        anchors = normalize(self.embeddings)
        if self.kind == "pair-wise":
            similarities = anchors @ anchors.t()
            same = self.labels[:, None] == self.labels[None, :]
            positive = same.clone().fill_diagonal_(False)
        else:
            similarities = anchors @ normalize(self.candidates).t()
            same = positive = self.labels[:, None] == self.candidate_labels[None, :]
        negative = ~same

        m, gamma = self.margin, self.gamma
        s_positive, s_negative = similarities[positive], similarities[negative]
        logits = torch.zeros_like(similarities)
        logits[positive] = -gamma * torch.relu(1 + m - s_positive.detach()) * (s_positive - (1 - m))
        logits[negative] = gamma * torch.relu(s_negative.detach() + m) * (s_negative - m)

        losses = torch.nn.functional.softplus(log_sum_exp(logits, positive) + log_sum_exp(logits, negative))
        valid = positive.any(dim=1) & negative.any(dim=1)
        return (losses * valid).sum() / valid.sum()


def log_sum_exp(logits, keep):
    lowest = torch.finfo(logits.dtype).min
    return torch.logsumexp(logits.masked_fill(~keep, lowest), dim=1).masked_fill(~keep.any(dim=1), 0)


def read(name, dtype, columns=None):
    values = torch.from_file(name, size=os.path.getsize(name) // 4, dtype=dtype).clone()
    return values if columns is None else values.view(-1, columns)


def prepare(kind, anchors, candidates, dim, margin, gamma):
    dim, margin, gamma = int(dim), float(margin), float(gamma)
    warm_up = Problem(
        kind,
        torch.randn(8, dim),
        torch.arange(8) // 2,
        None if kind == "pair-wise" else torch.randn(8, dim),
        torch.arange(8) // 2 if kind == "memory" else None,
        margin,
        gamma,
    )
    for _ in range(3):
        warm_up.step()
    return Problem(
        kind,
        read("embeddings", torch.float32, dim),
        read("labels", torch.int32),
        None if kind == "pair-wise" else read("candidates", torch.float32, dim),
        read("candidateLabels", torch.int32) if kind == "memory" else None,
        margin,
        gamma,
    )


def main():
    problem = last = None
    for line in sys.stdin:
        command, *words = line.split()
        answer = {}
        try:
            if command == "prepare":
                problem = prepare(*words)
                answer = {"version": f"PyTorch {torch.__version__}"}
            elif command == "compute":
                last = problem.step()
            elif command == "write":
                loss, gradient, candidate_gradient = last
                gradient.numpy().tofile("gradient")
                if candidate_gradient is not None:
                    candidate_gradient.numpy().tofile("candidateGradient")
                answer = {"loss": loss}
            elif command == "time":
                answer = {"samples": [timed(problem.step) for _ in range(int(words[0]))]}
        except Exception as error:  # the parent reports it; the next command may still work
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def timed(step):
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1e3


main()
