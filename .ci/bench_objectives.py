"""Does the feature come out, whatever the kind of model and the way it is asked? Embedded models, and the T5 of `make bench-models` if it is there.

    python .ci/bench_objectives.py [--steps 50] [--out FILE]      # or: make bench-objectives

A line for each model, feature and objective: correlation and class means on test rows, and the base model's mean probability of the right word's class.
"""
import argparse, os, time
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TQDM_DISABLE="1", HF_HUB_OFFLINE="1")
import logging
from pathlib import Path
import pandas as pd, torch
from gradiend_nb import TextPredictionTrainer, TrainingArguments, demo_model, demo_path
here = Path(__file__).resolve().parent
T5 = demo_path("models").parent/"bench"/"en-t5-1m"
CAUSAL = "clm_next_token", "clm_sequence_cloze", "clm_mlm_head"
PAIRS = {"english_number": [["3SG", "3PL"]], "german_articles": [["masc_nom", "fem_nom"], ["masc_acc", "fem_acc"], ["masc_dat", "fem_dat"], ["neut_nom", "fem_nom"]]}

def jobs():
    yield from ((demo_model("en"), "english_number", o) for o in ("mlm_mask_token",))
    yield from ((demo_model(lang, "clm"), data, o) for lang,data in (("en", "english_number"), ("de", "german_articles")) for o in CAUSAL)
    if T5.is_dir(): yield from ((str(T5), "english_number", o) for o in ("seq2seq_decoder", "seq2seq_encoder_mlm"))

def line(model, data, pair, objective, steps):
    start, args = time.perf_counter(), TrainingArguments(prediction_objective=objective, max_steps=steps, train_batch_size=8, max_seeds=1, encoder_eval_max_size=100)
    t = TextPredictionTrainer(model, data=pd.read_csv(demo_path(f"corpora/{data}.csv"), dtype=str), target_classes=pair, args=args)
    if objective == "clm_mlm_head": t.train_decoder_only_mlm_head(pooling_length=8)
    r = t.train().evaluate_encoder()
    probs = t.evaluate_base_model(t.get_model().base_model, max_size_training_like=100)["probs_by_dataset"]
    return dict(model=Path(model).name, data=data, classes=" / ".join(pair), objective=objective, correlation=r["correlation"], mean_plus=r["mean_by_class"][1.], mean_minus=r["mean_by_class"][-1.],
        right_class=sum(probs[c][c] for c in pair)/2, seconds=round(time.perf_counter() - start, 1))

def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--out", default=str(here.parent/"bench"/"objectives.csv"))
    a = p.parse_args()
    logging.getLogger("gradiend_nb").setLevel(logging.ERROR)
    Path(a.out).parent.mkdir(exist_ok=True)
    rows = []
    for model,data,objective in jobs():
        for pair in PAIRS[data]:
            rows.append(line(model, data, pair, objective, a.steps))
            print(rows[-1], flush=True)
    pd.DataFrame(rows).round(4).to_csv(a.out, index=False)
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))

if __name__ == "__main__": main()
