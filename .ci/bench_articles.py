"""Do changes of one German article into another share weights, wherever in the grammar they happen? Five seeds of the whole paradigm on the embedded model.

    python .ci/bench_articles.py [--seeds 5] [--steps 20] [--out FILE]      # or: make bench-articles

A line for each seed, measure and kind of comparison between two of the 59 learners: articles and cells in common, same change of gender or case, and the mean.
nbs/tutorials/compare.ipynb shows the table and trains the first seed again.
"""
import argparse, itertools, logging, os, tempfile, time
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TQDM_DISABLE="1", HF_HUB_OFFLINE="1")
from pathlib import Path
import pandas as pd, torch
from gradiend_nb import TrainerSuite, TrainingArguments, compute_similarity_matrix, demo_model, demo_path
here = Path(__file__).resolve().parent
WORDS = "*word_embeddings*"
MEASURES = [dict(measure="topk_overlap", topk=k, exclude=WORDS) for k in (100, 1000, .01, .1)] + [dict(measure="topk_overlap", topk=1000), dict(measure="topk_overlap", topk=1000, part="encoder-weight", exclude=WORDS),
    dict(measure="mass_overlap", topk=1000, exclude=WORDS), dict(measure="cosine", part="decoder-weight", exclude=WORDS)]

def change(pair):
    "The change of gender or of case between two cells, whatever the other is; None if both change"
    (g,c), (h,d) = (o.split("_") for o in pair)
    return frozenset((g, h)) if c == d else frozenset((c, d)) if g == h else None

def relations(suite):
    "A line for each two learners: articles and cells in common, same change of gender or case"
    pairs = {k: t.target_classes for k,t in suite.items()}
    words = {k: set.union(*(suite.words[c] for c in p)) for k,p in pairs.items()}
    return pd.DataFrame([dict(a=a, b=b, articles=len(words[a] & words[b]), cells=len(set(pairs[a]) & set(pairs[b])), same_grammar=change(pairs[a]) is not None and change(pairs[a]) == change(pairs[b]))
        for a,b in itertools.combinations(pairs, 2)])

def study(seed, steps, folder):
    "Train the paradigm with `seed`; the mean of each measure for each kind of comparison"
    start, args = time.process_time(), TrainingArguments(experiment_dir=folder, train_batch_size=16, max_steps=steps, eval_steps=steps, max_seeds=1, encoder_eval_max_size=10, seed=seed)
    suite = TrainerSuite("all", demo_model("de"), pd.read_csv(demo_path("corpora/german_articles.csv"), dtype=str), args).train()
    print(f"seed {seed}: {int(suite.summary().converged.sum())} of {len(suite)} converged, {time.process_time() - start:.0f} s of processor time", flush=True)
    df, models, out = relations(suite), suite.trained(), []
    for kw in MEASURES:
        c = compute_similarity_matrix(models, **kw).to_frame()
        means = df.assign(mean=[c.loc[a, b] for a,b in zip(df.a, df.b)]).groupby(["articles", "cells", "same_grammar"])["mean"].agg(["size", "mean"]).reset_index()
        about = dict(seed=seed, steps=steps, measure=kw["measure"], part=kw.get("part", "decoder-weight"), topk=kw.get("topk", ""), without=kw.get("exclude", ""))
        out.append(means.assign(**about)[[*about, *means]])
    return pd.concat(out)

def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--out", default=str(here.parent/"tests_data"/"article_overlap.csv"))
    a = p.parse_args()
    logging.getLogger("gradiend_nb").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    tables = []
    for seed in range(a.seeds):
        with tempfile.TemporaryDirectory() as folder: tables.append(study(seed, a.steps, folder))
        pd.concat(tables).round(4).to_csv(a.out, index=False)
    print(pd.concat(tables).to_string(index=False))

if __name__ == "__main__": main()
