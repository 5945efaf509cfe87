"""What does a rewrite gain, and what does it raise elsewhere? Learned, protected and trivial edits beside the other package's recipe, at equal cost.

Every edit is as strong as the language modeling score allows (0.99 of the base model's, on 300 neutral sentences). Gain: mean shift of the class's log-odds on test masks where the other class is right.
Lift: mean log ratio of P(class) on 200 neutral masks that nothing was fitted to. Lines go to --out as they come; a second call goes on where the first one stopped."""
import argparse, itertools, logging, os, random, re, sys, tempfile
from pathlib import Path
import pandas as pd
import torch
sys.path.insert(0, str(Path(__file__).parent))
from bench import read_texts
from gradiend_nb import ClassProbe, Edit, TextPredictionTrainer, TrainingArguments, demo_model, demo_path
from gradiend_nb.arguments import override
from gradiend_nb.decoder_eval import log_odds_gain, strengthening_factor
from gradiend_nb.model import load_base
from gradiend_nb.rewrite import control_directions
from gradiend_nb.trainer import neutral_rows

here = Path(__file__).parent
PRONOUNS = re.compile(r'\b(he|she|it|they)\b', re.I)
features = {'number': {'3SG': ['he','she','it'], '3PL': ['they']}, 'gender': {'masc': ['he'], 'fem': ['she']}}
recipes = {'ours': {}, "peer's": dict(gradient_scale=None, init='random', decoder_refit=False)}

def masked_rows(texts, words):
    "Sentences with exactly one of the `words`, the same number for each class: half of it test rows at most 120, the others for training and validation"
    rng,of = random.Random(1), {w: c for c,ws in words.items() for w in ws}
    pattern,other = re.compile(rf"\b({'|'.join(of)})\b", re.I), dict(zip(words, list(words)[::-1]))
    found = [(t, ms[0]) for t in texts if len(ms := list(pattern.finditer(t))) == 1]
    rows = pd.DataFrame([dict(masked=f'{t[:m.start()]}[MASK]{t[m.end():]}', label=m[0].lower(), label_class=(c := of[m[0].lower()]), alternative=rng.choice(words[other[c]]), alternative_class=other[c]) for t,m in found])
    n = rows.label_class.value_counts().min()
    sizes = dict(train=60, validation=50, test=120) if n >= 230 else dict(train=n*4//10, validation=n*2//10, test=n - n*4//10 - n*2//10)
    split = [s for s,k in sizes.items() for _ in range(k)]
    return pd.concat([g.head(len(split)).assign(split=split) for _,g in rows.groupby('label_class')])

def tables(model, corpus):
    "Feature → rows, and neutral sentences: of `corpus` for a model from outside, else of the embedded corpora"
    if model is None: return {f: pd.read_csv(demo_path(f'corpora/english_{f}.csv'), dtype=str) for f in features}, demo_path('corpora/english_neutral.txt').read_text(encoding='utf-8').splitlines()
    texts = read_texts(corpus, load_base(model)[1])
    without = [t for t in texts if not PRONOUNS.search(t)]
    random.Random(3).shuffle(without)
    return {f: masked_rows(texts, w) for f,w in features.items()}, without[:800]

def keep_largest(d, share=.001): return d * (d.abs() >= d.abs().topk(int(share*len(d))).values[-1])

def at_limit(probe, m, d, ratio=.99, fine=3):
    "Largest norm of a change along `d` that keeps `ratio` of the language modeling score; doubled or halved, then bisected"
    base = probe.lms.score(m.base_model)['lms']
    with Edit(m, delta=d/d.norm()) as e:
        def holds(s): return probe.lms.score(e.set(s) and m.base_model)['lms'] >= ratio*base
        low = .25
        while not holds(low): low /= 2
        while low < 500 and holds(2*low): low *= 2
        high = 2*low
        for _ in range(fine): low,high = (mid, high) if holds(mid := (low*high)**.5) else (low, mid)
    return low

def effect(m, d, size, col, probes):
    "Mean P before and after, log-odds gain and lift of a change of norm `size` along `d`"
    before = [p.probabilities(m.base_model)[:,col] for p in probes]
    with Edit(m, delta=d/d.norm()) as e: after = [p.probabilities(e.set(size) and m.base_model)[:,col] for p in probes]
    g,lift = log_odds_gain(before[0], after[0]), (after[1].log() - before[1].log()).mean().item()
    return dict(before=before[0].mean().item(), after=after[0].mean().item(), gain=g['gain'], low=g['interval'][0], high=g['interval'][1], lift=lift, selectivity=g['gain'] - lift)

def cell(base, data, neutral, feature, seed):
    "Train both recipes on one stream of 40 batches of 8 and measure every edit; a line for each"
    args = TrainingArguments(max_steps=40, train_batch_size=8, max_seeds=1, seed=seed, do_eval=False)
    t = TextPredictionTrainer(base, data=data, eval_neutral_data=neutral, target_classes=list(features[feature]), args=args)
    with tempfile.TemporaryDirectory() as tmp: ours,peer = (t.load_model(f) for f in t._train_runs([(f'{tmp}/{n}', override(args, **kw), t.model) for n,kw in recipes.items()], args, None, None))
    t._model,words = ours, t._get_decoder_eval_targets()
    slots = ClassProbe(ours.tokenizer, neutral_rows(neutral[300:500], ours.tokenizer, t.excluded_words, 1)['masked'].tolist(), words)
    rows = t._get_decoder_eval_dataframe('test', 120)
    for c in t.pair:
        f = float(strengthening_factor(ours.source, ours.target, ours.feature_class_encoding_direction[c]))
        know_less = control_directions(ours, [w for ws in words.values() for w in ws], f)
        safe = {p: t.update_vector(f, protect=p, model=ours) for p in ('target_mass','neutral_text')}
        edits = {"peer's": (peer, t.update_vector(f, model=peer)), 'learned': (ours, know_less['learned'])} | {p: (ours, d) for p,d in safe.items()}
        edits |= {f'{p}, top 0.1%': (ours, keep_largest(d)) for p,d in safe.items()} | {k: (ours, know_less[k]) for k in ('target rows only','random')}
        probe = t.decoder_probe(training_like_df=rows[rows['factual_class'] != c].reset_index(drop=True), neutral_texts=neutral[:300])
        for name,(m,d) in edits.items():
            size = at_limit(probe, m, d)
            yield dict(base=Path(base).name, feature=feature, seed=seed, target=c, edit=name, rows=len(probe.datasets), size=size, **effect(m, d, size, list(words).index(c), (probe.words, slots)))

def table(df):
    "Medians over seeds"
    return df.groupby(['base','feature','target','edit'], sort=False)[['size','before','after','gain','lift','selectivity']].median()

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--model', help="folder or hub id of a masked English model; default: the embedded one")
    p.add_argument('--texts', help="file with sentences, for --model")
    p.add_argument('--features', nargs='+', default=list(features))
    p.add_argument('--seeds', type=int, default=3)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--out', type=Path, default=here.parent/'tests_data'/'effect.csv')
    a = p.parse_args()
    if a.model and not a.texts: p.error("--model needs --texts, sentences to take rows and neutral texts from")
    torch.set_num_threads(a.threads)
    os.environ.setdefault('TQDM_DISABLE', '1')
    logging.disable(logging.WARNING)
    a.out.parent.mkdir(exist_ok=True)
    have = set(map(tuple, pd.read_csv(a.out)[['base','feature','seed']].values.tolist())) if a.out.exists() else set()
    base,(rows,neutral) = a.model or demo_model('en'), tables(a.model, a.texts)
    for seed,feature in itertools.product(range(a.seeds), a.features):
        if (Path(base).name, feature, seed) in have: continue
        lines = pd.DataFrame(cell(base, rows[feature], neutral, feature, seed))
        lines.to_csv(a.out, mode='a', header=not a.out.exists(), index=False)
        print(lines.round(3).to_string(index=False), flush=True)
    print(table(pd.read_csv(a.out)).round(3).to_string())

if __name__ == '__main__': main()
