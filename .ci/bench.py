"""Speed and memory as ratios taken in one run: ours against the base-model work that cannot be avoided, and against the peer package.

    python .ci/bench.py [--model FOLDER-OR-ID] [--texts FILE] [--peer PYTHON]     # or: make bench [MODEL=...] [TEXTS=...] [PEER=...]

TEXTS: a sentence a line. PEER: the Python of an environment that holds `gradiend`; it runs bench_job.py beside this file on the same rows.
Everything runs on two threads; times are the least of several alternating repeats, so that a busy machine disturbs both sides alike.
The table is printed and goes to bench/ (not in git) with all raw numbers.
"""
import argparse, json, os, random, re, subprocess, sys, tempfile, time
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false", MPLBACKEND="agg", TQDM_DISABLE="1")
import warnings; warnings.filterwarnings("ignore")
from pathlib import Path
import pandas as pd, torch
import transformers; transformers.utils.logging.disable_progress_bar()
from torch.nn import functional as F
here = Path(__file__).resolve().parent
THREADS = 2

# %% rows: sentences of 10 to 30 tokens with exactly one third-person pronoun

PRONOUN = re.compile(r"\b(he|she|it|they)\b", re.I)
SPLITS = ["train"]*40 + ["validation"]*40 + ["test"]*40

def read_texts(path, tok):
    "Sentences of 10 to 30 tokens, in a fixed random order"
    lines = list(dict.fromkeys(l.strip() for l in Path(path).read_text(encoding="utf-8").splitlines() if l.strip()))
    random.Random(0).shuffle(lines)
    lengths = [len(o) for o in tok(lines, add_special_tokens=False).input_ids]
    return [l for l,n in zip(lines, lengths) if 10 <= n <= 30]

def find_rows(texts):
    "Every usable sentence of both classes: masked, label, label_class, alternative, alternative_class"
    rng, out = random.Random(1), []
    for t in texts:
        found = list(PRONOUN.finditer(t))
        if len(found) != 1: continue
        word, m = found[0][0].lower(), found[0]
        pl = word == "they"
        out.append(dict(masked=f"{t[:m.start()]}[MASK]{t[m.end():]}", label=word, label_class="3PL" if pl else "3SG",
                        alternative=rng.choice(["he", "she", "it"]) if pl else "they", alternative_class="3SG" if pl else "3PL"))
    return pd.DataFrame(out)

def make_data(path, tok):
    "Workflow rows (40 training, 40 validation, 40 test a class), all rows, and 40 neutral sentences"
    texts = read_texts(path, tok)
    rows = find_rows(texts)
    take = {c: g.head(len(SPLITS)) for c,g in rows.groupby("label_class")}
    if min(map(len, take.values())) < len(SPLITS): raise SystemExit(f"{path}: fewer than {len(SPLITS)} usable sentences for a class: { {k: len(v) for k,v in take.items()} }")
    work = pd.concat([g.assign(split=SPLITS) for g in take.values()])
    neutral = pd.DataFrame(dict(text=[t for t in texts if not PRONOUN.search(t)][:40]))
    return work, rows, neutral

# %% timing

CLOCK = time.perf_counter      # main() makes it time.process_time for a busy machine

def timed(f):
    t = CLOCK(); f()
    return CLOCK() - t

def least(repeats=4, **fs):
    "Least seconds of each function, taken in turns"
    best = dict.fromkeys(fs, float("inf"))
    for _ in range(repeats):
        for k,f in fs.items(): best[k] = min(best[k], timed(f))
    return best

def bandwidth(n=50_000_000):
    "Bytes a second of a large copy, reads and writes counted"
    a, b = torch.ones(n), torch.empty(n)
    b.copy_(a)
    return 8*n / least(5, copy=lambda: b.copy_(a))["copy"]

# %% the work that cannot be avoided, written out with plain torch

def slot_logits(model, b):
    "Backbone over the batch, head at the slots only"
    h = model.base_model(**b.model_inputs).last_hidden_state[b.rows, b.cols]
    for part in model.children():
        if part is not model.base_model: h = part(h)
    return h

def bare_row(model, params, b):
    "One forward pass and two backward passes of a batch, head at the slots"
    logits = slot_logits(model, b.factual)
    for i, side in enumerate((b.factual, b.alternative)):
        torch.autograd.grad(F.cross_entropy(logits, side.labels), params, retain_graph=i == 0)

def full_row(model, params, b):
    "The same with the head at every position, as the model's own forward pass has it"
    logits = model(**b.factual.model_inputs).logits[b.factual.rows, b.factual.cols]
    for i, side in enumerate((b.factual, b.alternative)):
        torch.autograd.grad(F.cross_entropy(logits, side.labels), params, retain_graph=i == 0)

def bare_step(mwg, params, opt, batches):
    for b in batches: bare_row(mwg.base_model, params, b)

# %% ours

def load(model):
    from gradiend_nb import ModelWithGradiend
    return ModelWithGradiend.from_base(model, source="alternative", target="diff", init="random", seed=0)

def pairs(rows):
    "Rows as the gradient functions take them"
    return rows.rename(columns=dict(label="factual"))[["masked", "factual", "alternative"]].reset_index(drop=True)

def covered(mwg):
    named = dict(mwg.base_model.named_parameters())
    return [named[o.name].requires_grad_() for o in mwg.gradiend.param_map]

def batches_of(mwg, rows, size, n):
    "`n` batches of one class each, classes in turn, as training has them"
    from gradiend_nb.gradients import Slots
    slots = Slots(mwg.objective, pairs(rows))
    by = [[i for i,c in enumerate(rows.label_class) if c == k] for k in ("3SG", "3PL")]
    return [slots.batch(by[j % 2][(j//2)*size:(j//2 + 1)*size]) for j in range(n)]

def bench_rows(mwg, rows, repeats):
    "Seconds of a gradient row: ours, bare, and with the model's own head over all positions"
    from gradiend_nb.gradients import gradient_rows
    params, res = covered(mwg), {}
    for size in (8, 32):
        bs, out = batches_of(mwg, rows, size, 4 if size == 8 else 2), {}
        def ours(b): out.update(gradient_rows(mwg, b, ("alternative", "diff"), out))
        t = least(repeats, ours=lambda: [ours(b) for b in bs], bare=lambda: [bare_row(mwg.base_model, params, b) for b in bs], full=lambda: [full_row(mwg.base_model, params, b) for b in bs])
        res[size] = {k: v/len(bs) for k,v in t.items()}
    return res

def bench_update(mwg, repeats):
    "Seconds of one GRADIEND update: ours, autograd with the default AdamW, and the memory-bandwidth bound"
    from gradiend_nb import TrainingArguments
    from gradiend_nb.steps import closed_step, make_optimizer
    g, D = mwg.gradiend, len(mwg.gradiend)
    x, y = torch.randn(2, D) * 1e-3
    step, opt = closed_step(g, make_optimizer(g, TrainingArguments(), None)), torch.optim.AdamW(g.parameters(), lr=1e-4)
    def autograd():
        opt.zero_grad()
        F.mse_loss(g(x), y).backward()
        opt.step()
    return least(repeats, ours=lambda: step(x, y)) | least(repeats, autograd=autograd) | dict(bound=28*3*D/bandwidth())

def bench_encode(mwg, rows, repeats):
    "Seconds of a row's encoding: ours, and a backward pass per sentence"
    from gradiend_nb.gradients import Slots, encode_rows
    df, params, W = pairs(rows), covered(mwg), mwg.gradiend.enc.weight.detach()[0]
    slots = Slots(mwg.objective, df)
    def per_sample():
        for i in range(len(df)):
            b = slots.batch([i])
            gs = torch.autograd.grad(F.cross_entropy(slot_logits(mwg.base_model, b.alternative), b.alternative.labels), params)
            torch.cat([g.flatten() for g in gs]) @ W
    t = least(repeats, ours=lambda: encode_rows(mwg, df, ("alternative",)), per_sample=per_sample)
    return {k: v/len(df) for k,v in t.items()}

def make_trainer(model, work, neutral, **kw):
    from gradiend_nb import TextPredictionTrainer, TrainingArguments
    args = TrainingArguments(**dict(do_eval=False, decoder_refit=False, max_seeds=1, normalize_gradiend=False) | kw)
    return TextPredictionTrainer(model=model, data=work, target_classes=["3SG", "3PL"], eval_neutral_data=neutral, args=args)

def many_rows(rows, n): return rows.groupby("label_class").head(n).assign(split="train")

def clocked(trainer, steps, seeds=1):
    "Seconds of each step of training `seeds` learners together; evaluation, refit and saving left out"
    from transformers import TrainerCallback
    from gradiend_nb.arguments import override
    from gradiend_nb.loop import Run
    class Clock(TrainerCallback):
        "Notes when each step begins"
        def __init__(self): self.at = []
        def on_step_begin(self, args, state, control, **kwargs): self.at.append(CLOCK())
    clock, args = Clock(), override(trainer.training_args, max_steps=steps)
    runs = [Run(trainer._learner(trainer.model, override(args, seed=s)), args, callbacks=[clock] if s == 0 else None) for s in range(seeds)]
    trainer._fit(runs, args)
    return [b - a for a,b in zip(clock.at, clock.at[1:])]

def least_steps(f, repeats, few):
    "Mean over the steps after the first `few`, which touch fresh memory, of the least seconds of each"
    times = [f()[few:] for _ in range(repeats)]
    return sum(map(min, zip(*times)))/len(times[0])

def bench_step(model, rows, repeats, few=8, many=16):
    "Seconds of a whole training step and of the bare passes over the same batches"
    res = {}
    for size in (8, 32):
        trainer = make_trainer(model, many_rows(rows, many*16), None, train_batch_size=size)
        mwg = trainer._learner(model, trainer.training_args)
        batches, params = scheduled(trainer, mwg, size, many)[few:], covered(mwg)
        bare = lambda: [timed(lambda: bare_row(mwg.base_model, params, b)) for b in batches]
        res[size] = dict(ours=least_steps(lambda: clocked(trainer, many+1), repeats, few), bare=least_steps(bare, repeats, 0))
    return res

def bench_seeds(model, rows, repeats, few=4, many=12):
    "Seconds of a step of one learner and of three on one stream of gradients"
    from gradiend_nb import PrePruneConfig
    res = {}
    for name,size,cfg in (("batch 32", 32, None), ("batch 8, 10% of the weights", 8, PrePruneConfig(topk=.1, seed=0))):
        trainer = make_trainer(model, many_rows(rows, many*16), None, train_batch_size=size, pre_prune_config=cfg)
        res[name] = {n: least_steps(lambda: clocked(trainer, many+1, n), repeats, few) for n in (1, 3)}
    return res

def bench_store(model, rows, repeats):
    "With 1% of the weights and gradients on disk: seconds of a step, and of 3 epochs of 3 seeds with writing the store"
    from gradiend_nb import PrePruneConfig
    data, kw = many_rows(rows, 24), dict(train_batch_size=8, pre_prune_config=PrePruneConfig(topk=.01), use_cached_gradients=True)
    trainer = make_trainer(model, data, None, **kw)
    clocked(trainer, 2)                                                 # writes the store
    step = least_steps(lambda: clocked(trainer, 17), repeats, 4)
    whole = lambda: make_trainer(model, data, None, **kw, max_seeds=3, min_convergent_seeds=None, num_train_epochs=3).train()
    return dict(step=step, whole=timed(whole), batches=6*3*3)

def scheduled(trainer, mwg, size, n):
    "The first `n` batches that training takes"
    from gradiend_nb.steps import epoch_batches
    rows = trainer.create_training_data()
    slots = trainer.create_gradient_training_dataset(mwg, rows).slots
    return [slots.batch(idx) for idx,_ in epoch_batches(rows["feature_class_id"].tolist(), size, trainer.training_args.seed)[:n]]

def bench_grid(model, work, neutral, repeats):
    "Seconds of the decoder grid, and of the forward passes it asks for alone"
    from gradiend_nb import probes
    trainer = make_trainer(model, work, neutral, max_steps=2, train_batch_size=4).train()
    mwg, seen, logits_at = trainer.get_model(), [], probes.logits_at
    grid = lambda: trainer.evaluate_decoder(target_class="3SG")
    probes.logits_at = lambda m, b: (seen.append(b), logits_at(m, b))[1]
    try: grid()
    finally: probes.logits_at = logits_at
    @torch.no_grad()
    def bare():
        for b in seen: slot_logits(mwg.base_model, b)
    return least(repeats, ours=grid, bare=bare) | dict(forwards=len(seen))

# %% suites

def word_rows(rows, size, most):
    "Rows of he, she, it and they as classes of their own, `most` batches of `size` each or as many as all have"
    rows = rows.assign(label_class=rows.label, split="train")[["masked", "label", "label_class", "split"]]
    return rows.groupby("label_class").head(size*min(most, rows.label_class.value_counts().min()//size))

def pass_costs(mwg, lane, size, repeats):
    "Seconds of a forward pass and of a backward pass of a batch, head at the slots, written out with plain torch"
    params, batches = covered(mwg), [mwg.objective.collate([lane.items[0][i] for i in idx]) for idx in lane.batches(size)[:3]]
    def passes(b, n):
        logits = slot_logits(mwg.base_model, b)
        for i in range(n): torch.autograd.grad(F.cross_entropy(logits, b.labels), params, retain_graph=i < n-1)
    t = least(repeats, one=lambda: [passes(b, 1) for b in batches], three=lambda: [passes(b, 3) for b in batches])
    back = (t["three"] - t["one"])/2
    return dict(forward=(t["one"] - back)/len(batches), backward=back/len(batches))

def learner_costs(mwg, repeats):
    "Seconds of a step of one learner and of a row of its decoder's refit"
    from gradiend_nb import TrainingArguments
    from gradiend_nb.steps import DecoderFit, closed_step, make_optimizer
    g = mwg.gradiend
    x, y = torch.randn(2, len(g)) * 1e-3
    step, fit = closed_step(g, make_optimizer(g, TrainingArguments(), None)), DecoderFit(g)
    return least(2*repeats + 2, update=lambda: step(x, y), refit=lambda: fit.add(x, y))

def bench_suite(model, data, repeats, size=32, steps=10):
    "Seconds of a suite of all pairs in `data` on shared passes and one by one, base model loaded; numbers of passes, and what each costs"
    from gradiend_nb import TrainingArguments
    from gradiend_nb.lanes import Lane
    from gradiend_nb.suites import TrainerSuite
    per_class = data[data.split == "train"].label_class.value_counts().min()//size
    steps = int(2*min(steps//2, per_class))
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(experiment_dir=folder, train_batch_size=size, max_steps=steps, max_seeds=1, do_eval=False, normalize_gradiend=False)
        suite = TrainerSuite("all", model, data, args)
        suite.load_base()
        run = lambda share: suite.train_group(list(suite), share, use_cache=False)
        t = least(repeats, together=lambda: run(True), alone=lambda: run(False))
    mwg, rows = load(model), data[(data.split == "train") & (data.label_class == data.label_class.iloc[0])]
    lane = Lane(mwg.objective, rows.rename(columns=dict(label="factual", label_class="factual_class")))
    pairs, cells, words = len(suite), len(suite.words), len(set.union(*suite.words.values()))
    half = steps//2
    counts = dict(alone=(pairs*(2 + 2*steps), 2*pairs*(2 + 2*steps)), together=(cells*(1 + 2*half), words*cells*(1 + 2*half)))
    return t | dict(pairs=pairs, steps=steps, size=size, counts=counts) | pass_costs(mwg, lane, size, repeats + 2) | learner_costs(mwg, repeats)

def by_formula(r, learners=True):
    "One by one / together, from the numbers of passes, with or without the part of the learners, which nobody shares"
    own = r["pairs"]*r["steps"]*(r["update"] + r["refit"])*learners
    alone, together = (n[0]*r["forward"] + n[1]*r["backward"] + own for n in (r["counts"]["alone"], r["counts"]["together"]))
    return alone/together

def bench_suites(model, rows):
    "The pairs of four pronouns on `model`, and the German paradigm on the embedded model"
    from gradiend_nb.data import demo_path
    german = pd.read_csv(demo_path("corpora/german_articles.csv"), dtype=str)
    return {"": bench_suite(model, word_rows(rows, 32, 5), 1), ", German articles on the embedded model": bench_suite(str(demo_path("models/de-mlm")), german, 1)}

# %% processes

def run_job(python, folder, **job):
    "bench_job.py in a process of `python`; its answer"
    out = Path(folder)/f"{job['package']}-{'-'.join(job['parts'])}.json"
    path = out.with_suffix(".job.json")
    path.write_text(json.dumps(dict(job, out=str(out)), indent=1))
    res = subprocess.run([python, str(here/"bench_job.py"), str(path)], capture_output=True, text=True)
    if res.returncode: raise SystemExit(f"{job['package']} failed under {python}:\n{res.stderr[-3000:]}")
    return json.loads(out.read_text())

# %% the table

def secs(t): return f"{t:.3f} s" if t < 100 else f"{t:.0f} s"
def cost(name, ours, other, of, limit=None): return name, secs(ours), of, secs(other), ours/other, f"<= {limit}" if limit else ""
def gain(name, ours, other, of, limit=None): return name, secs(ours), of, secs(other), other/ours, f">= {limit}" if limit else ""

def suite_lines(r):
    for name,t in r["suites"].items():
        formula = f"one by one; the formula says {by_formula(t):.2f}, of the passes alone {by_formula(t, False):.2f}"
        yield gain(f"suite of {t['pairs']} pairs, {t['steps']} steps of batch {t['size']}{name}", t["together"], t["alone"], formula, round(.8*by_formula(t), 2))

def lines(r):
    "(quantity, ours, what it is compared with, that, ratio, limit) from the raw results `r`; limits are those of the goal, for a model of about 20M parameters"
    if "rows" not in r:
        yield from suite_lines(r)
        return
    rows, step, up, en, grid = (r[k] for k in ("rows", "step", "update", "encode", "grid"))
    for b in (8, 32):
        yield cost(f"gradient row, batch {b}", rows[b]["ours"], rows[b]["bare"], "bare 1 forward + 2 backwards")
        yield gain(f"gradient row, batch {b}", rows[b]["ours"], rows[b]["full"], "the same, head at every position")
    yield cost("update", up["ours"], up["bound"], "memory-bandwidth bound", 3)
    yield gain("update", up["ours"], up["autograd"], "autograd + default AdamW")
    for b,limit in ((8, 1.35), (32, 1.15)): yield cost(f"training step, batch {b}", step[b]["ours"], step[b]["bare"], "bare 1 forward + 2 backwards", limit)
    for name,t in r["seeds"].items(): yield cost(f"three seeds, a step of {name}", t[3], t[1], "one seed", 1.3)
    yield gain("encoding, a row", en["ours"], en["per_sample"], "a backward pass per sentence", 4)
    yield cost("decoder grid", grid["ours"], grid["bare"], f"its {grid['forwards']} forward passes", 1.2)
    yield from suite_lines(r)
    if not r.get("peer"): return
    u, w, o = r["peer"]["units"], r["peer"]["workflow"], r["ours"]["workflow"]
    for k,name,ours,limit in (("row_8", "gradient row, batch 8", rows[8]["ours"], 6), ("update", "update", up["ours"], 6), ("encode", "encoding, a row", en["ours"], 25)): yield gain(name, ours, u[k], "peer", limit)
    yield gain("step, 1% of the weights and a store", r["store"]["step"], u["row_8"], "peer's gradient row", 50)
    yield gain("3 epochs, 3 seeds, with writing the store", r["store"]["whole"], u["row_8"]*r["store"]["batches"], "peer's gradient rows alone", 10)
    for k,name in (("train", "train, 20 steps of batch 4"), ("evaluate_encoder", "evaluate_encoder, 80 rows + neutral"), ("evaluate_decoder", "evaluate_decoder, ours with a test report")): yield gain(name, o["phases"][k], w["phases"][k], "peer")
    yield gain("decoder grid, 16 candidates + base", o["grid"], w["grid"], "peer", 2.5)
    yield gain("whole workflow", o["total"], w["total"], "peer", 6)
    yield "peak memory of the workflow", f"{o['peak']/2**30:.2f} GiB", "peer", f"{w['peak']/2**30:.2f} GiB", o["peak"]/w["peak"], "<= 0.65"

def holds(ratio, limit):
    "Whether `ratio` keeps `limit`; '' without one"
    if not limit: return ""
    op, v = limit.split()
    return "yes" if (ratio <= float(v) if op == "<=" else ratio >= float(v)) else "**no**"

HEAD = ["quantity", "ours", "compared with", "that", "ratio", "goal", "kept"]

def markdown(r):
    body = [[q, a, of, b, f"{ratio:.2f}", limit, holds(ratio, limit)] for q,a,of,b,ratio,limit in lines(r)]
    return "\n".join("| " + " | ".join(o) + " |" for o in [HEAD, ["---"]*len(HEAD), *body])

def measure(a, folder):
    "All raw results"
    mwg = load(a.model)
    work, rows, neutral = make_data(a.texts, mwg.tokenizer)
    for name,df in (("rows", work), ("neutral", neutral)): df.to_csv(Path(folder)/f"{name}.csv", index=False)
    job = dict(model=a.model, rows=f"{folder}/rows.csv", neutral=f"{folder}/neutral.csv", threads=a.threads, cpu_time=a.cpu_time, repeats=2, encode_rows=6)
    r = dict(model=Path(a.model).name, weights=len(mwg.gradiend), threads=a.threads, clock="processor seconds" if a.cpu_time else "seconds", torch=torch.__version__)
    def say(k, f):
        print(f"{k} ...", file=sys.stderr, flush=True)
        r[k] = f()
        (a.out/f"{r['model']}.json").write_text(json.dumps(r, indent=1))
    if a.only_suites:
        r["model"] += "-suites"        # files of its own
        say("suites", lambda: bench_suites(a.model, rows))
        return r
    say("rows", lambda: bench_rows(mwg, rows, a.repeats))
    say("update", lambda: bench_update(mwg, 2*a.repeats + 2))
    say("encode", lambda: bench_encode(mwg, work[work.split == "train"].groupby("label_class").head(20), a.repeats))
    del mwg
    say("step", lambda: bench_step(a.model, rows, a.repeats + 3))
    say("seeds", lambda: bench_seeds(a.model, rows, a.repeats))
    say("store", lambda: bench_store(a.model, rows, a.repeats))
    say("grid", lambda: bench_grid(a.model, work, neutral, a.repeats))
    say("ours", lambda: run_job(sys.executable, folder, package="gradiend_nb", parts=["workflow"], **job))
    if a.peer: say("peer", lambda: run_job(a.peer, folder, package="gradiend", parts=["workflow"], **job) | run_job(a.peer, folder, package="gradiend", parts=["units"], **job))
    say("suites", lambda: bench_suites(a.model, rows))
    return r

def main():
    global CLOCK
    p = argparse.ArgumentParser(description="Speed and memory against the unavoidable work and against the peer")
    p.add_argument("--model", default="", help="folder or hub id of a masked language model; default: the embedded English one")
    p.add_argument("--texts", default="", help="a sentence a line; default: the embedded English corpus")
    p.add_argument("--peer", default="", help="Python of an environment that holds the package gradiend")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--only-suites", action="store_true", help="measure suites alone")
    p.add_argument("--cpu-time", action="store_true", help="count processor seconds instead of seconds: for a busy machine, with --threads 1")
    a = p.parse_args()
    from gradiend_nb.data import demo_path
    a.model, a.texts = a.model or str(demo_path("models/en-mlm")), a.texts or str(demo_path("corpora/english.txt"))
    if Path(a.model).is_dir(): a.model = str(Path(a.model).resolve())       # else a hub id
    if a.cpu_time: CLOCK = time.process_time
    torch.set_num_threads(a.threads)
    a.out = here.parent/"bench"
    a.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder: r = measure(a, folder)
    table = f"{r['model']}, {r['weights']:,} weights, {r['threads']} threads, {r['clock']}\n\n{markdown(r)}\n"
    (a.out/f"{r['model']}.md").write_text(table)
    pd.DataFrame(list(lines(r)), columns=HEAD[:-1]).to_csv(a.out/f"{r['model']}.csv", index=False)   # nbs/benchmarks.ipynb shows a copy of it, tests_data/benchmark.csv
    print(table)

if __name__ == "__main__": main()
