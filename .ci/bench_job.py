"""One job of `.ci/bench.py` in a process of its own: the whole workflow with one package, so that its peak memory counts for itself; and the peer's unit costs.

    PYTHON .ci/bench_job.py JOB.json

JOB holds package (gradiend_nb or gradiend), model, rows, neutral, out, threads, cpu_time, parts (workflow, units), repeats, encode_rows. The answer is written to `out`.
Both packages take the same calls, so the workflow is written once.
"""
import importlib, json, logging, os, sys, tempfile, time, warnings
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false", MPLBACKEND="agg", TQDM_DISABLE="1")
warnings.filterwarnings("ignore")
import pandas as pd, torch
import transformers; transformers.utils.logging.disable_progress_bar()
CLOCK = time.perf_counter

def timed(f):
    "Seconds of a call, and its result"
    t = CLOCK(); res = f()
    return CLOCK() - t, res

def least(f, n):
    "Least seconds of `n` calls of `f`, which is given the number of the call"
    return min(timed(lambda: f(i))[0] for i in range(n))

def peak():
    "Largest resident memory so far in bytes; not `ru_maxrss`, which a process inherits from the one that started it"
    with open("/proc/self/status") as f: return next(int(l.split()[1])*1024 for l in f if l.startswith("VmHWM"))

def make_trainer(job, folder):
    p = importlib.import_module(job["package"])
    one_seed = dict(max_seeds=1) if "max_seeds" in p.TrainingArguments.__dataclass_fields__ else {}
    args = p.TrainingArguments(experiment_dir=folder, train_batch_size=4, max_steps=20, num_train_epochs=1, eval_steps=20, encoder_eval_train_max_size=10, learning_rate=1e-4, source="alternative", target="diff", **one_seed)
    return p.TextPredictionTrainer(model=job["model"], data=pd.read_csv(job["rows"]), target_classes=["3SG", "3PL"], eval_neutral_data=pd.read_csv(job["neutral"]), args=args)

def watch_grid():
    "A dict that gets the seconds of our grid: `evaluate_decoder` also reports on test rows, the peer's is the grid alone"
    decoder_eval, seen = importlib.import_module("gradiend_nb.decoder_eval"), {}
    run = decoder_eval.run_grid
    def timed_run(*args, **kwargs):
        seen["grid"], res = timed(lambda: run(*args, **kwargs))
        return res
    decoder_eval.run_grid = timed_run
    return seen

def workflow(job, folder):
    "Seconds of each phase of the whole workflow, the peak memory, and what came out"
    t, trainer = {}, make_trainer(job, folder)
    t["train"], _ = timed(trainer.train)
    t["evaluate_encoder"], enc = timed(lambda: trainer.evaluate_encoder(split="test"))
    grid = watch_grid() if job["package"] == "gradiend_nb" else t
    t["evaluate_decoder"], dec = timed(lambda: trainer.evaluate_decoder(target_class="3SG"))
    t["rewrite"], _ = timed(lambda: trainer.rewrite_base_model(decoder_results=dec, target_class="3SG"))
    return dict(phases=t, grid=grid.get("grid", t["evaluate_decoder"]), total=sum(t.values()), peak=peak(), correlation=enc["correlation"], chosen={k: str(v) for k,v in dec["3SG"].items()})

# %% the peer's unit costs

def gradient_rows(trainer, mwg, batch_size):
    raw = trainer.create_training_data(mwg, split="train", batch_size=batch_size)
    return trainer.create_gradient_training_dataset(raw, mwg, source="alternative", target="diff")

def update(mwg, row, opt, loss=torch.nn.MSELoss()):
    opt.zero_grad()
    loss(mwg.gradiend(row["source"]), row["target"]).backward()
    opt.step()

def units(job, trainer):
    "Least seconds of a gradient row of batch 8, of an update, and of an encoded row"
    from gradiend.trainer.text.prediction.model_with_gradiend import TextPredictionModelWithGradiend
    mwg = TextPredictionModelWithGradiend.from_pretrained(job["model"], feature_definition=trainer, source="alternative", target="diff")
    rows, single = (gradient_rows(trainer, mwg, b) for b in (8, 1))
    res = dict(row_8=least(lambda i: rows[i], job["repeats"]))
    row, opt = rows[0], torch.optim.AdamW(mwg.gradiend.parameters(), lr=1e-4, weight_decay=1e-2)
    res["update"] = least(lambda i: update(mwg, row, opt), 4)
    res["encode"] = least(lambda i: [mwg.encode(single[j]["source"]) for j in range(job["encode_rows"])], job["repeats"]) / job["encode_rows"]
    return res

def main(job):
    global CLOCK
    if job["cpu_time"]: CLOCK = time.process_time
    torch.set_num_threads(job["threads"]); logging.disable(logging.WARNING)
    res = dict(package=job["package"])
    with tempfile.TemporaryDirectory() as folder:
        if "workflow" in job["parts"]: res["workflow"] = workflow(job, folder)
        if "units" in job["parts"]: res["units"] = units(job, make_trainer(job, folder))
    with open(job["out"], "w") as f: json.dump(res, f, indent=1)

if __name__ == "__main__": main(json.load(open(sys.argv[1])))
