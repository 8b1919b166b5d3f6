"""PyTorch on a GPU, on one workload: the Circle loss as one writes it, eager and through torch.compile, and the bare matrix
products it contains.

Argument: a JSON object with kind ("pair-wise" or "class-level"), anchors, candidates, dim, margin, gamma, rounds. Everything
is in device memory, inputs are random and several sets take turns; times are medians of CUDA events, in milliseconds.
Prints one JSON line a contender: {"contender", "milliseconds", "spread", "extraBytes"} or {"contender", "error"}.
"""

import json
import statistics
import sys

import torch

spec = json.loads(sys.argv[1])
pair_wise = spec["kind"] == "pair-wise"
margin, gamma = spec["margin"], spec["gamma"]
sets = 3


def circle_loss(embeddings, labels, weights):
    """Per anchor, detached weights, mean over anchors that have a positive and a negative."""
    anchors = torch.nn.functional.normalize(embeddings)
    if pair_wise:
        similarities = anchors @ anchors.t()
        same = labels[:, None] == labels[None, :]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    else:
        similarities = anchors @ torch.nn.functional.normalize(weights).t()
        same = positive = labels[:, None] == torch.arange(len(weights), device=labels.device)[None, :]
    fixed = similarities.detach()
    positive_logits = -gamma * torch.relu(1 + margin - fixed) * (similarities - (1 - margin))
    negative_logits = gamma * torch.relu(fixed + margin) * (similarities - margin)
    lowest = torch.finfo(similarities.dtype).min
    lse = torch.logsumexp(positive_logits.masked_fill(~positive, lowest), dim=1)
    lse = lse + torch.logsumexp(negative_logits.masked_fill(same, lowest), dim=1)
    valid = positive.any(dim=1) & (~same).any(dim=1)
    return (torch.nn.functional.softplus(lse) * valid).sum() / valid.sum()


def inputs(seed):
    torch.manual_seed(seed)
    embeddings = torch.randn(spec["anchors"], spec["dim"], device="cuda", requires_grad=True)
    if pair_wise:
        return embeddings, torch.arange(spec["anchors"], device="cuda") // 4, None
    weights = torch.randn(spec["candidates"], spec["dim"], device="cuda", requires_grad=True)
    return embeddings, torch.randint(spec["candidates"], (spec["anchors"],), device="cuda"), weights


def training_step(loss_function):
    def step(embeddings, labels, weights):
        embeddings.grad = None
        if weights is not None:
            weights.grad = None
        loss_function(embeddings, labels, weights).backward()

    return step


def products(embeddings, _, weights):
    """Similarities, and from a matrix of their shape the gradient of each side."""
    with torch.no_grad():
        others = embeddings if weights is None else weights
        matrix = embeddings @ others.t()
        matrix @ others
        if weights is not None:
            matrix.t() @ embeddings


def half_products(embeddings, labels, weights):
    products(embeddings.detach().half(), labels, None if weights is None else weights.detach().half())


def measure(contender, step):
    try:
        data = [inputs(seed) for seed in range(sets)]
        for given in data:
            step(*given)
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        samples = []
        for round_number in range(spec["rounds"]):
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            step(*data[round_number % sets])
            end.record()
            end.synchronize()
            samples.append(begin.elapsed_time(end))
        quartiles = statistics.quantiles(samples, n=4)
        line = {
            "milliseconds": statistics.median(samples),
            "spread": quartiles[2] - quartiles[0],
            "extraBytes": torch.cuda.max_memory_allocated() - before,
        }
    except Exception as error:  # out of memory, most of all: the others may still fit
        line = {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    torch.cuda.empty_cache()
    print(json.dumps({"contender": contender, **line}), flush=True)


print(json.dumps({"version": f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}"}), flush=True)
measure("PyTorch eager", training_step(circle_loss))
measure("PyTorch torch.compile", training_step(torch.compile(circle_loss)))
torch.backends.cuda.matmul.allow_tf32 = False
measure("bare products, float32", products)
torch.backends.cuda.matmul.allow_tf32 = True
measure("bare products, TF32", products)
measure("bare products, half", half_products)
