"""Does it converge without tuning? Default arguments beside other recipes, over features, model sizes, prunings and seeds.

Every run takes 50 steps of batch 8 and is judged on test rows: signed correlation >= 0.95, class means of opposite sign and at least 0.5 each.
The recipes of one cell share their gradients. Lines go to bench/convergence.csv as they come; a second call goes on where the first one stopped."""
import argparse, itertools, logging, os, tempfile, time
from pathlib import Path
import pandas as pd
import torch
from gradiend_nb import PrePruneConfig, TextPredictionTrainer, TrainingArguments, demo_model, demo_path
from gradiend_nb.arguments import override
from gradiend_nb.metrics import encoder_metrics
from gradiend_nb.trainer import encoder_table

here = Path(__file__).parent
features = {'number': ('en', 'english_number', ('3SG','3PL')), 'gender': ('en', 'english_gender', ('masc','fem'))} | {
    f'{a}/{b}': ('de', 'german_articles', (a, b)) for a,b in (('masc_nom','fem_nom'), ('masc_nom','neut_nom'), ('masc_acc','masc_dat'), ('fem_nom','fem_dat'))}
prunings = {'none': None, '10%': PrePruneConfig(topk=.1), '1%': PrePruneConfig(topk=.01)}
recipes = {'default': {}, "peer's": dict(gradient_scale=None, init='random', decoder_refit=False, do_eval=False), '5e-5': dict(learning_rate=5e-5, do_eval=False), '1e-3': dict(learning_rate=1e-3, do_eval=False)}

def model_of(lang, size):
    "Folder of the base model of about `size` parameters"
    return demo_model(lang) if size == '1M' else str(demo_path(f'bench/{lang}-mlm-{size.lower()}'))

def cell(feature, size, pruning, seed, names):
    "Train the recipes `names` on one stream; a line for each"
    lang,table,pair = features[feature]
    data = pd.read_csv(demo_path(f'corpora/{table}.csv'), dtype=str)
    args = TrainingArguments(max_steps=50, train_batch_size=8, max_seeds=1, seed=seed, pre_prune_config=prunings[pruning])
    t,start = TextPredictionTrainer(model_of(lang, size), data=data, target_classes=list(pair), args=args), time.time()
    with tempfile.TemporaryDirectory() as tmp:
        folders = t._train_runs([(f'{tmp}/{n}', override(args, **recipes[n]), t.model) for n in names], args, None, None)
        for n,folder in zip(names, folders):
            m = t.load_model(folder)
            met = encoder_metrics(encoder_table(t, m, 'test', max_size=60), n_bootstrap=0)
            a,b = (met.class_means[c] for c in pair)
            yield dict(feature=feature, size=size, pruning=pruning, seed=seed, recipe=n, r=met['correlation'], first=a, second=b, rows=met['n_samples'], weights=len(m.gradiend),
                converged=met['correlation'] >= .95 and a >= .5 and b <= -.5, seconds=time.time() - start)

def table(df):
    "Share of converged runs by size, pruning and recipe"
    shares = df.pivot_table(index='recipe', columns=['size','pruning'], values='converged', aggfunc='mean', sort=False)
    return shares.assign(all=df.groupby('recipe')['converged'].mean(), runs=df.groupby('recipe').size())

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--sizes', nargs='+', default=['1M','5M','20M'])
    p.add_argument('--seeds', type=int, default=5)
    p.add_argument('--others', type=int, default=1, help="seeds for which 5e-5 and 1e-3 are tried too")
    p.add_argument('--recipes', nargs='+', default=list(recipes))
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--out', type=Path, default=here.parent/'bench'/'convergence.csv')
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    os.environ.setdefault('TQDM_DISABLE', '1')
    logging.disable(logging.WARNING)
    a.out.parent.mkdir(exist_ok=True)
    done = pd.read_csv(a.out) if a.out.exists() else pd.DataFrame(columns=['feature','size','pruning','seed','recipe'])
    have = set(zip(*(done[c] for c in ('feature','size','pruning','seed','recipe'))))
    for size,seed,feature,pruning in itertools.product(a.sizes, range(a.seeds), features, prunings):
        names = [n for n in a.recipes if (feature, size, pruning, seed, n) not in have and (seed < a.others or n in ('default',"peer's"))]
        if not names: continue
        lines = pd.DataFrame(cell(feature, size, pruning, seed, names))
        lines.to_csv(a.out, mode='a', header=not a.out.exists(), index=False)
        print(lines[['feature','size','pruning','seed','recipe','r','first','second','converged','seconds']].round(3).to_string(index=False, header=False), flush=True)
    print(table(pd.read_csv(a.out)).round(3).to_string())

if __name__ == '__main__': main()
