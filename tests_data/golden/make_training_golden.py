"""Golden numbers for training, normalisation, verdicts and seeds, by the package `gradiend` 0.2.3; run after make_golden.py, in the same environment:
    python tests_data/golden/make_training_golden.py
Everything runs through the peer's own Trainer.train; what it reads and leaves is recorded from outside. See README.md for what is in which file.
"""
import json, logging, re, tempfile
from functools import partial
from pathlib import Path
from unittest.mock import patch
from make_golden import MODEL, MAXLEN, SINGLE, rows   # goes into this folder and sets the environment
import torch
from safetensors.torch import save_file
import gradiend.trainer.text.prediction.trainer as text_trainer, gradiend.trainer.trainer as base_trainer
from gradiend.trainer.core.arguments import TrainingArguments
from gradiend.trainer.core.stats import write_training_stats
from gradiend.trainer.core.training import train as core_train
from gradiend.trainer.text.prediction.model_with_gradiend import TextPredictionModelWithGradiend as Learner
logging.disable(logging.WARNING)
text_trainer.TextTrainingDataset = partial(text_trainer.TextTrainingDataset, max_length=MAXLEN)   # its fixed 256 positions are more than the tiny model has

LAYER = ["bert.encoder.layer.1.*"]                # one layer of the base model keeps the files small
VALIDATION = [8, 9, 10, 11]                       # rows 0 to 7 train

def data():
    "The twelve rows of one-piece words as the peer's trainer takes them"
    df = rows()[:len(SINGLE)].drop(columns="label").rename(columns=dict(factual="label", factual_class="label_class"))
    return df[["masked", "label", "label_class", "alternative", "alternative_class"]].assign(split=["validation" if i in VALIDATION else "train" for i in df.index])

def trainer(cls=text_trainer.TextPredictionTrainer, **kw):
    args = TrainingArguments(**dict(source="alternative", target="diff", train_batch_size=2, learning_rate=1e-3, eval_steps=5, max_seeds=1, seed=0) | kw)
    return cls(model=MODEL, data=data(), target_classes=["3SG", "3PL"], args=args)

def state(mwg): return {k: v.detach().clone() for k, v in mwg.gradiend.state_dict().items()}

# %% 1: twenty steps, the loop as it is, on a learner of one layer

class Recorder:
    "The loader that the peer's loop reads, noting which rows each step gets"
    def __init__(self, loader, df): self.loader, self.number, self.steps = loader, {t: i for i, t in enumerate(df.masked)}, []
    def __len__(self): return len(self.loader)
    def __iter__(self):
        for batch in self.loader:
            texts = batch["template"]
            self.steps.append([self.number[t[0] if isinstance(t, (list, tuple)) else t] for t in texts])
            yield batch

def make_curve():
    "Losses, evaluations, start and end of twenty steps"
    seen = {}
    def watched(mwg, loader, **kw):
        seen.update(start=state(mwg), loader=Recorder(loader, data()))
        try: return core_train(mwg, seen["loader"], **kw)
        finally: seen["end"] = state(mwg)
    with tempfile.TemporaryDirectory() as d, patch.object(base_trainer, "core_train", watched):
        t = trainer(params=LAYER, num_train_epochs=5, normalize_gradiend=False)
        t.train(output_dir=f"{d}/model")
        stats = json.load(open(f"{d}/model/training.json"))
    a, h = stats["training_args"], stats["training_stats"]
    save_file({f"{k}/{n}": v for k in ("start", "end") for n, v in seen[k].items()}, "curve.safetensors")
    recipe = dict(optimizer="AdamW", learning_rate=a["learning_rate"], weight_decay=a["weight_decay"], eps=a["adam_epsilon"], betas=[0.9, 0.999])
    df = data()
    write("curve.json", dict(params=LAYER, source=a["source"], target=a["target"], seed=a["seed"], batch_size=a["train_batch_size"], recipe=recipe, order=seen["loader"].steps,
        batches=[[[df.masked[i], df.label[i], df.alternative[i]] for i in idx] for idx in seen["loader"].steps[:4]], losses=stats["losses"], validation=VALIDATION,
        **{k: h[k] for k in ("scores", "mean_by_class", "encoder_norms", "decoder_norms")}, best=stats["best_score_checkpoint"], convergence_info=stats["convergence_info"]))

def write(name, d):
    "A list with one entry on each line, anything else indented with its lists on one line"
    if isinstance(d, list): text = "[" + ",\n ".join(json.dumps(o, default=float) for o in d) + "]"
    else: text = re.sub(r"\[[^\[\]{}]*\]", lambda m: "[" + " ".join(m[0][1:-1].split()) + "]", json.dumps(d, indent=1, default=float))
    Path(name).write_text(text + "\n")

# %% 2: what normalisation does to a learner, and to the function it computes

def make_flip():
    torch.manual_seed(5)
    mwg = Learner.from_pretrained(MODEL, source="alternative", target="diff", param_map=["bert.encoder.layer.1.output.LayerNorm.weight"])
    mwg.set_feature_class_encoding_direction({"3SG": 1., "3PL": -1.})
    x, g = torch.randn(len(mwg.gradiend)), mwg.gradiend
    out = dict(x=x)
    for k in ("before", "after"):
        if k == "after": mwg.invert_encoding(update_direction=False)       # as its callback does
        out |= {f"{k}/{n}": v for n, v in state(mwg).items()} | {f"{k}/encoded": g.encoder(x).detach(), f"{k}/decoded": g(x).detach()}
    save_file(out, "flip.safetensors")

# %% 3: verdicts on constructed runs

NAN = float("nan")
GOOD = {"1.0": .9, "-1.0": -.8}
CASES = {                                          # (correlation and class means at step 0, the same at step 1, arguments)
    "good": (.1, .98, GOOD, {}),
    "the score at its threshold": (.1, .5, GOOD, {}),
    "the score just below": (.1, .499999, GOOD, {}),
    "another threshold, met": (.1, .3, GOOD, dict(convergent_score_threshold=.25)),
    "another threshold, missed": (.1, .98, GOOD, dict(convergent_score_threshold=.99)),
    "step 0 is best": (.99, .98, GOOD, {}),
    "step 0 is as good": (.98, .98, GOOD, {}),
    "negative and strong": (.1, -.98, {"1.0": -.9, "-1.0": .8}, {}),
    "negative and weak": (.1, -.3, {"1.0": -.9, "-1.0": .8}, {}),
    "a class mean at its threshold": (.1, .98, {"1.0": .9, "-1.0": -.5}, {}),
    "a class mean below": (.1, .98, {"1.0": .9, "-1.0": -.49}, {}),
    "both class means below": (.1, .98, {"1.0": .2, "-1.0": -.1}, {}),
    "a lower threshold for means, met": (.1, .98, {"1.0": .2, "-1.0": -.1}, dict(convergent_mean_by_class_threshold=.1)),
    "a higher threshold for means, missed": (.1, .98, GOOD, dict(convergent_mean_by_class_threshold=.85)),
    "means of one sign": (.1, .98, {"1.0": .9, "-1.0": .6}, {}),
    "both means negative": (.1, .98, {"1.0": -.6, "-1.0": -.9}, {}),
    "a mean of zero": (.1, .98, {"1.0": .9, "-1.0": 0.}, dict(convergent_mean_by_class_threshold=0.)),
    "identity rows near zero": (.1, .98, GOOD | {"0.0": .01}, {}),
    "identity rows far from zero": (.1, .98, GOOD | {"0.0": .99}, {}),
    "one class only": (.1, .98, {"1.0": .9}, {}),
    "no class means": (.1, .98, {}, {}),
    "a class mean that is no number": (.1, .98, {"1.0": .9, "-1.0": NAN}, {}),
    "no correlation": (None, None, GOOD, {}),
    "a correlation that is no number": (NAN, NAN, GOOD, {}),
    "threshold for means switched off": (.1, .98, {"1.0": .2, "-1.0": -.1}, dict(convergent_mean_by_class_threshold=None)),
    "any number of seeds will do": (.1, .1, {"1.0": .2, "-1.0": -.1}, dict(min_convergent_seeds=None)),
    "two seeds are wanted": (.1, .98, GOOD, dict(min_convergent_seeds=2, max_seeds=2)),
}
LOSS_CASES = {"loss below": (.25, .3), "loss at its threshold": (.25, .25), "loss above": (.25, .2)}     # (loss of the only step, threshold)

def one_step(mwg, target, results, **kw):
    "The peer's loop over one row, evaluations given: best step, means there and the verdict, or the error"
    results = iter(results)
    with tempfile.TemporaryDirectory() as d:
        args = TrainingArguments(**dict(num_train_epochs=1, eval_steps=1, normalize_gradiend=False, max_seeds=1, output_dir=f"{d}/m") | kw)
        args.evaluate_fn = (lambda config, training_stats: next(results)) if args.do_eval else None
        try: core_train(mwg, [dict(source=torch.ones(len(mwg.gradiend)), target=target, label=[1.])], training_args=args)
        except TypeError as e: return dict(error=type(e).__name__)
        stats = json.load(open(f"{d}/m/training.json"))
    return dict(best=stats["best_score_checkpoint"], convergence_info=stats["convergence_info"])

def make_verdicts():
    mwg = Learner.from_pretrained(MODEL, source="alternative", target="diff", param_map=["bert.encoder.layer.1.output.LayerNorm.bias"])
    out = []
    for name, (c0, c1, means, kw) in CASES.items():
        got = one_step(mwg, torch.zeros(len(mwg.gradiend)), [dict(correlation=c, mean_by_class={float(k): v for k, v in m.items()}) for c, m in ((c0, {}), (c1, means))], **kw)
        out.append(dict(case=name, scores=[c0, c1], mean_by_class=means, arguments=kw) | got)
    for name, (loss, threshold) in LOSS_CASES.items():
        with torch.no_grad():
            for p in mwg.gradiend.parameters(): p.zero_()
        kw = dict(supervised_decoder=True, do_eval=False, convergent_metric="loss", convergent_score_threshold=threshold)
        got = one_step(mwg, torch.full((1, len(mwg.gradiend)), loss**.5), [], **kw)
        out.append(dict(case=name, loss=loss, mean_by_class={}, arguments=kw) | got)
    write("verdicts.json", out)

# %% 4: several seeds, trained and made up

SEEDS = dict(num_train_epochs=25, learning_rate=1e-4, eval_steps=10, max_seeds=3, convergent_score_threshold=.7, convergent_mean_by_class_threshold=.15)

def key_tree(d):
    "Nested keys; steps and other numbers stand as one key"
    if not isinstance(d, dict): return None
    number = lambda k: re.fullmatch(r"-?\d+(\.0)?", k)
    return {("<number>" if number(k) else k): key_tree(v) for k, v in d.items()}

def make_seeds():
    "Reports of three seeds, two of which converge, and what each way of keeping leaves on disk"
    files = {}
    for name, keep, kw in (("seed_report", "all_tried", dict(min_convergent_seeds=2)), ("seed_report_all", "all_convergent", dict(min_convergent_seeds=None)),
                           (None, "best_only", dict(min_convergent_seeds=1))):
        with tempfile.TemporaryDirectory() as d:
            trainer(**SEEDS, **kw, saved_seed_runs=keep, experiment_dir=d).train()
            report = (Path(d)/"seeds"/"seed_report.json").read_text().replace(f"{d}/", "")
            files[keep] = sorted(str(f.relative_to(d)) for f in Path(d).rglob("*") if f.is_file())
            if keep == "all_tried": write("training_keys.json", key_tree(json.loads((Path(d)/"model"/"training.json").read_text())))
        assert d not in report
        if name: write(f"{name}.json", json.loads(report))
    write("seed_files.json", files)

class Scripted(text_trainer.TextPredictionTrainer):
    "The peer's choice among seeds, with the result of each seed given instead of trained"
    def _train(self, output_dir, **kw):
        step, score, means, _ = self.script[int(output_dir.rsplit("_", 1)[1])]
        return str(Path(write_training_stats(output_dir, dict(correlation=score, scores={step: score}, mean_by_class={step: means}), dict(correlation=score, global_step=step, epoch=0), {})).parent)
    def evaluate_encoder(self, **kw): return dict(correlation=self.script[int(self._model_arg.rsplit("_", 1)[1])][3])

SCRIPTS = {                                        # per seed: best step, its correlation, its class means, the correlation on the selection split; arguments
    "the first suffices": ([(5, .9, GOOD, .8), (5, .95, GOOD, .9), (5, .99, GOOD, .97)], dict(min_convergent_seeds=1)),
    "the second does": ([(5, .3, GOOD, .8), (5, .95, GOOD, .9), (5, .99, GOOD, .97)], dict(min_convergent_seeds=1)),
    "two of three": ([(5, .9, GOOD, .8), (5, .3, GOOD, .9), (5, .7, GOOD, .97)], dict(min_convergent_seeds=2)),
    "all are tried": ([(5, .9, GOOD, .8), (5, .85, GOOD, .7), (5, .7, GOOD, .97)], dict(min_convergent_seeds=None)),
    "a tie": ([(5, .9, GOOD, .9), (5, .9, GOOD, .9), (5, .9, GOOD, .9)], dict(min_convergent_seeds=None)),
    "one with the better score did not converge": ([(5, .99, {"1.0": .2, "-1.0": -.1}, .99), (5, .6, GOOD, .6), (5, .4, GOOD, .9)], dict(min_convergent_seeds=None)),
    "none converges": ([(5, .3, GOOD, .8), (5, .4, GOOD, .9), (5, .2, GOOD, .97)], dict(min_convergent_seeds=1)),
    "none converges, by small means": ([(5, .6, {"1.0": .2, "-1.0": -.1}, .3), (5, .55, {"1.0": .2, "-1.0": -.1}, .5), (5, .4, GOOD, .97)], dict(min_convergent_seeds=1)),
    "upside down": ([(5, -.9, {"1.0": -.9, "-1.0": .8}, -.9), (5, .2, GOOD, .2), (5, .1, GOOD, .1)], dict(min_convergent_seeds=1)),
    "a best step of 0": ([(0, .9, GOOD, .9), (5, .6, GOOD, .6), (5, .7, GOOD, .7)], dict(min_convergent_seeds=None)),
}

def make_seed_choices():
    out = []
    for name, (script, kw) in SCRIPTS.items():
        with tempfile.TemporaryDirectory() as d:
            t = trainer(Scripted, max_seeds=3, experiment_dir=d, saved_seed_runs="all_tried", **kw)
            t.script = script
            t.train()
            report = json.loads((Path(d)/"seeds"/"seed_report.json").read_text().replace(f"{d}/", ""))
        out.append(dict(case=name, seeds=[dict(zip(("best_step", "correlation", "mean_by_class", "eval_correlation"), s)) for s in script], arguments=kw, report=report))
    write("seed_choices.json", out)

if __name__ == "__main__":
    torch.set_num_threads(1)
    make_curve()
    make_flip()
    make_verdicts()
    make_seeds()
    make_seed_choices()
