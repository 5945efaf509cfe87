"""The device's share of the work: training step, update, encodings and decoder grid of large random models, as ratios to the bare passes.

    python .ci/bench_device.py [--device cuda] [--sizes bert-base causal-1b]     # or: make bench-device

Models are random and batches random token ids: what is measured is time and memory. Sizes: `tiny` (to try the script), `bert-base` (110M, float32),
`causal-1b` (1.1B, bfloat16, learner in float32). The table goes to bench/device-<device>.csv with date, device and command.
"""
import argparse, datetime, resource, shlex, sys, time
from pathlib import Path
import pandas as pd, torch, transformers as hf
from torch.nn import functional as F
from gradiend_nb import ModelWithGradiend, TrainingArguments
from gradiend_nb.edit import Edit
from gradiend_nb.gradients import SlotBatch, _forward_mode, gradient_rows
from gradiend_nb.objectives import Inputs, logits_at
from gradiend_nb.steps import closed_step, make_optimizer
here = Path(__file__).resolve().parent

SIZES = {"tiny": lambda: hf.BertForMaskedLM(hf.BertConfig(vocab_size=1000, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)),
    "tiny-causal": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(vocab_size=1000, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2)).bfloat16(),
    "bert-base": lambda: hf.BertForMaskedLM(hf.BertConfig()),
    "causal-1b": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(vocab_size=32000, hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4)).bfloat16()}

def sync(device):
    if device.type != "cpu": getattr(torch, device.type).synchronize()

def least(device, repeats=5, **fs):
    "Least seconds of each function, taken in turns, after one warm-up"
    best = dict.fromkeys(fs, float("inf"))
    for i in range(repeats + 1):
        for k,f in fs.items():
            t = timed(device, f)
            if i: best[k] = min(best[k], t)
    return best

def timed(device, f):
    sync(device); t = time.perf_counter(); f(); sync(device)
    return time.perf_counter() - t

def batch(model, n, tokens, seed):
    "`n` rows of random ids with a slot in the middle, both words asked of the same inputs"
    g, V = torch.Generator().manual_seed(seed), model.config.vocab_size
    ids = torch.randint(5, V, (n, tokens), generator=g)
    causal = "CausalLM" in type(model).__name__
    f = Inputs(ids, torch.ones_like(ids), torch.arange(n), torch.full((n,), tokens-1 if causal else tokens//2), torch.randint(5, V, (n,), generator=g), options=dict(use_cache=False) if causal else {})
    return SlotBatch(f, f.asking(torch.randint(5, V, (n,), generator=g).tolist()), torch.arange(n)).to(next(model.parameters()).device)

def bare_row(model, params, b):
    "One forward pass and two backward passes, head at the slots"
    logits = logits_at(model, b.factual).float()
    for i,side in enumerate((b.factual, b.alternative)): torch.autograd.grad(F.cross_entropy(logits, side.labels), params, retain_graph=i == 0, allow_unused=True)

def bandwidth(device, n=100_000_000):
    a, b = (torch.empty(n if device.type != "cpu" else n//4, device=device).fill_(1) for _ in range(2))
    return 8*len(a)/least(device, copy=lambda: b.copy_(a))["copy"]

def peak(device): return torch.cuda.max_memory_allocated() if device.type == "cuda" else 1024*resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def measure(size, device, rows=8, tokens=32, steps=1000):
    "(quantity, ours, what it is compared with, that, ratio, goal)"
    torch.manual_seed(0)
    m = ModelWithGradiend.from_base(SIZES[size]().to(device).eval(), tokenizer=object(), init="random")
    g, D, b = m.gradiend, len(m.gradiend), batch(m.base_model, rows, tokens, 0)
    params, kinds, out = [p.requires_grad_() for p in m.base_model.base_model.parameters()], ("alternative", "diff"), {}
    step = closed_step(g, make_optimizer(g, TrainingArguments(), None))
    def gradients(): out.update(gradient_rows(m, b, kinds, out))
    def whole():
        gradients()
        return step(out["alternative"], out["diff"])
    t = least(device, row=gradients, step=whole, bare=lambda: bare_row(m.base_model, params, b), update=lambda: step(out["alternative"], out["diff"]))
    yield f"training step, batch {rows}", t["step"], "bare 1 forward + 2 backwards", t["bare"], t["step"]/t["bare"], "<= 1.25"
    yield f"gradient row, batch {rows}", t["row"], "bare 1 forward + 2 backwards", t["bare"], t["row"]/t["bare"], ""
    bound = 84*D/bandwidth(device)
    yield "update", t["update"], "memory-bandwidth bound", bound, t["update"]/bound, "<= 1.5"
    many = batch(m.base_model, 32, tokens, 1)
    def encode():
        with torch.enable_grad(): _forward_mode(m, many)
    one = batch(m.base_model, 1, tokens, 2)
    e = least(device, 3, many=encode, one=lambda: torch.autograd.grad(F.cross_entropy(logits_at(m.base_model, one.factual).float(), one.factual.labels), params, allow_unused=True))
    yield "encoding, a row", e["many"]/32, "a backward pass per sentence", e["one"], e["one"]/(e["many"]/32), ">= 4"
    edit = Edit(m, 1.)
    def grid():
        for lr in (.01, .1, 1.): edit.set(lr); forward()
        edit.undo()
    @torch.no_grad()
    def forward(): [logits_at(m.base_model, many.factual) for _ in range(8)]
    d = least(device, 3, grid=grid, bare=lambda: [forward() for _ in range(3)])
    yield "decoder grid, 3 candidates of 8 batches", d["grid"], "its forward passes", d["bare"], d["grid"]/d["bare"], "<= 1.2"
    times, memory = [], []
    for _ in range(steps):
        times.append(timed(device, whole))
        memory.append(peak(device))
    tenth = max(steps//10, 1)
    first, last = (sorted(o)[len(o)//2] for o in (times[:tenth], times[-tenth:]))
    yield f"median step, last tenth of {steps}", last, "first tenth", first, last/first, "<= 1.05"
    yield "peak memory, bytes", memory[-1], f"after {tenth} steps", memory[tenth-1], memory[-1]/memory[tenth-1], "<= 1.01"

def main():
    p = argparse.ArgumentParser(description="Time and memory on an accelerator, as ratios to the bare passes")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    p.add_argument("--sizes", nargs="+", default=["bert-base", "causal-1b"], choices=list(SIZES))
    p.add_argument("--steps", type=int, default=1000, help="of the test whether steps grow")
    a = p.parse_args()
    device = torch.device(a.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    head = dict(date=datetime.date.today().isoformat(), device=name, command=shlex.join(["python", ".ci/bench_device.py", *sys.argv[1:]]))
    table = pd.DataFrame([head | dict(size=s) | dict(zip(("quantity", "ours", "compared with", "that", "ratio", "goal"), o)) for s in a.sizes for o in measure(s, device, steps=a.steps)])
    (here.parent/"bench").mkdir(exist_ok=True)
    table.to_csv(here.parent/"bench"/f"device-{device.type}.csv", index=False)
    print(table.drop(columns=list(head)).to_string(index=False, float_format="{:.4g}".format))
    print(head)

if __name__ == "__main__": main()
