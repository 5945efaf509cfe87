"""Do changes of one German article into another share weights, wherever in the grammar they happen? Five seeds of the whole paradigm on the embedded model.

    python .ci/bench_articles.py [--seeds 5] [--steps 20] [--out FILE]      # or: make bench-articles

For each seed the means over the 1711 comparisons of two of the 59 learners, by what the two have in common:
articles and cells (`articles`, `cells`: how many), the change of gender or case (`same_grammar`), and, for signed cosines, whether a common article is at the same end (`end` 1) or at opposite ends (-1).
nbs/tutorials/compare.ipynb shows the table and trains the first seed again.
"""
import argparse, itertools, logging, os, tempfile, time
os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", TQDM_DISABLE="1", HF_HUB_OFFLINE="1")
from pathlib import Path
import pandas as pd, torch
from gradiend_nb import TrainerSuite, TrainingArguments, compute_grouped_similarity_matrices, compute_similarity_matrix, demo_model, demo_path
here = Path(__file__).resolve().parent
WORDS = "*word_embeddings*"
MEASURES = [dict(measure="topk_overlap", topk=k, exclude=WORDS) for k in (100, 1000, .01, .1)] + [dict(measure="topk_overlap", topk=1000), dict(measure="topk_overlap", topk=1000, part="encoder-weight", exclude=WORDS),
    dict(measure="mass_overlap", topk=1000, exclude=WORDS), dict(measure="cosine", part="decoder-weight", exclude=WORDS)]
SIGNED = dict(measure="cosine_signed", part="decoder-weight", exclude=WORDS)
KINDS = ["articles", "cells", "same_grammar", "end"]

def change(pair):
    "What changes from the first cell to the second, the gender or the case, as (from, to); None if both do"
    (g,c), (h,d) = (o.split("_") for o in pair)
    return (g, h) if c == d else (c, d) if g == h else None

def way(p, q):
    "1 if what `p` and `q` have in common stands at the same end, -1 at opposite ends, 0 if there is nothing"
    return 0 if not set(p) & set(q) else 1 if p[0] == q[0] or p[1] == q[1] else -1

def relation(p, q, article):
    "What the pairs of cells `p` and `q` have in common, and `sign`, the way in which they are compared: by the change of grammar if it is the same one, else by the articles"
    a, b, g, h = [article[c] for c in p], [article[c] for c in q], change(p), change(q)
    same = g is not None and h is not None and set(g) == set(h)
    sign = way(g, h) if same else way(a, b)
    return dict(articles=len(set(a) & set(b)), cells=len(set(p) & set(q)), same_grammar=same, end=way(a, b)*sign, sign=sign)

def tables(suite):
    "Means of each measure for each kind of comparison"
    article = {c: next(iter(w)) for c,w in suite.words.items()}
    df = pd.DataFrame([dict(a=a, b=b) | relation(s.target_classes, t.target_classes, article) for (a,s),(b,t) in itertools.combinations(suite.items(), 2)])
    def means(c, rows, by): return rows.assign(mean=[c.loc[a, b] for a,b in zip(rows.a, rows.b)]).groupby(by)["mean"].agg(["size", "mean"]).reset_index()
    for kw in MEASURES: yield means(compute_similarity_matrix(suite.trained(), **kw).to_frame(), df, KINDS[:3]).assign(**about(kw))
    some = df[(df.cells == 0) & (df.sign != 0)]
    for layer,c in compute_grouped_similarity_matrices(suite.trained(), **SIGNED, group_by="layer").items():
        turned = c.to_frame() * 1.
        for a,b,s in zip(some.a, some.b, some.sign): turned.loc[a, b] *= s
        yield means(turned, some, KINDS).assign(**about(SIGNED), layer=layer)

def about(kw): return dict(measure=kw["measure"], part=kw.get("part", "decoder-weight"), topk=kw.get("topk", ""), without=kw.get("exclude", ""))

def study(seed, steps, folder):
    "Train the paradigm with `seed` and compare"
    start, args = time.process_time(), TrainingArguments(experiment_dir=folder, train_batch_size=16, max_steps=steps, eval_steps=steps, max_seeds=1, encoder_eval_max_size=10, seed=seed)
    suite = TrainerSuite("all", demo_model("de"), pd.read_csv(demo_path("corpora/german_articles.csv"), dtype=str), args).train()
    converged = int(suite.summary().converged.sum())
    print(f"seed {seed}: {converged} of {len(suite)} converged, {time.process_time() - start:.0f} s of processor time", flush=True)
    return pd.concat(tables(suite)).assign(seed=seed, steps=steps, converged=converged)

def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--out", default=str(here.parent/"tests_data"/"article_overlap.csv"))
    a = p.parse_args()
    logging.getLogger("gradiend_nb").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    out = []
    for seed in range(a.seeds):
        with tempfile.TemporaryDirectory() as folder: out.append(study(seed, a.steps, folder))
        df = pd.concat(out)[["seed", "steps", "converged", "measure", "part", "topk", "without", "layer", *KINDS, "size", "mean"]]
        df.astype({"end": "Int64"}).round(4).to_csv(a.out, index=False)
    print(df.to_string(index=False))

if __name__ == "__main__": main()
