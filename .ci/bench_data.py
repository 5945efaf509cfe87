"""Speed and memory of the data step on one core: absolute figures beside their goals.

    python .ci/bench_data.py [--texts FILE]     # also part of: make bench

TEXTS: a sentence a line, repeated with numbers in front until there are 20,000. Times are the least of several repeats.
"""
import argparse, os, re, subprocess, sys, tempfile, time
os.environ.update(TQDM_DISABLE="1", OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
import numpy as np, pandas as pd
from gradiend_nb import TextFilterConfig, TextPredictionDataCreator
from gradiend_nb.data import demo_path
from gradiend_nb.match import TargetMatcher
from gradiend_nb.pairs import make_pairs
N, CLASSES = 20_000, {"3SG": ["he", "she", "it"], "3PL": ["they"]}

def least(f, repeats=4):
    "Least seconds of `f`"
    def once():
        t = time.perf_counter(); f()
        return time.perf_counter() - t
    return min(once() for _ in range(repeats))

def read_texts(path):
    lines = [l for l in Path(path).read_text(encoding="utf-8").splitlines() if l.strip()]
    return [t if i < len(lines) else f"({i}) {t}" for i,t in enumerate(islice(cycle(lines), N))]

def targets(): return [TextFilterConfig(targets=words, id=c) for c,words in CLASSES.items()]

def scans(texts):
    "Sentences a second for so many words to look for, the commonest ones: nearly every word of a sentence is a hit in the end"
    common = [w for w,_ in Counter(w.lower() for t in texts for w in re.findall(r"\w+", t)).most_common(10_000)]
    for n in (1, 4, 100, 1000, 10_000):
        matcher = TargetMatcher([common[:n:2], common[1:n:2]] if n > 1 else [["they"]])
        yield f"string scan, the {n:,} commonest words" if n > 1 else "string scan, 1 word", len(texts)/least(lambda: sum(1 for t in texts if matcher.find(t))), "sentences/s", 100_000

def whole_call(texts):
    creator = lambda: TextPredictionDataCreator(texts, feature_targets=targets(), progress=False)
    yield "generate_training_data, 2 classes", len(texts)/least(lambda: creator().generate_training_data()), "sentences/s", 60_000

def conversion(n=200_000):
    rng = np.random.default_rng(0)
    words = {c: rng.choice(o, n//2) for c,o in CLASSES.items()}
    frames = {c: pd.DataFrame(dict(masked=[f"row {i} says [MASK] is here" for i in range(n//2)], label=w, split="train")) for c,w in words.items()}
    yield "make_pairs, 200,000 rows", n/least(lambda: make_pairs(frames), 2), "rows/s", 200_000

_JOB = """
import os, sys, threading, time, pandas, pyarrow.parquet
from gradiend_nb import TextFilterConfig, TextPredictionDataCreator
def used(): return int(open('/proc/self/statm').read().split()[1])*os.sysconf('SC_PAGE_SIZE')/2**20
before = peak = used()
def watch():
    global peak
    while True: peak = max(peak, used()); time.sleep(.002)
threading.Thread(target=watch, daemon=True).start()
two = [TextFilterConfig(targets=['he', 'she', 'it'], id='3SG'), TextFilterConfig(targets=['they'], id='3PL')]
rows = TextPredictionDataCreator(sys.argv[1], feature_targets=two, progress=False).generate_training_data(max_size_per_class=20)
assert all(len(o) == 20 for o in rows.values())
print(max(peak, used()) - before)
"""

def memory(texts):
    "Peak memory of taking 40 rows from 400,000 lines, beyond what the imports take"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)/"texts.parquet"
        pd.DataFrame(dict(text=[f"{t} {i}" for i,t in enumerate(islice(cycle(texts), 400_000))])).to_parquet(path, row_group_size=50_000)
        out = subprocess.run([sys.executable, "-c", _JOB, str(path)], capture_output=True, text=True, check=True)
    yield "400,000-line parquet, 20 rows a class", float(out.stdout.split()[-1]), "MB", -100

def main():
    p = argparse.ArgumentParser(description="Speed and memory of the data step")
    p.add_argument("--texts", default="", help="a sentence a line; default: the embedded English corpus")
    texts = read_texts(p.parse_known_args()[0].texts or demo_path("corpora/english.txt"))
    print("\n| quantity, one core | figure | goal | kept |\n| --- | --- | --- | --- |")
    for part in (scans(texts), whole_call(texts), conversion(), memory(texts)):
        for name, value, unit, goal in part:
            kept = value <= -goal if goal < 0 else value >= goal
            print(f"| {name} | {value:,.0f} {unit} | {'<=' if goal < 0 else '>='} {abs(goal):,} | {'yes' if kept else '**no**'} |", flush=True)

if __name__ == "__main__": main()
