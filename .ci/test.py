"Everything CI runs: modules, notebooks and README in step; every notebook passes; the wheel works on its own. Last line: N passed, N failed."
import os, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

root = Path(__file__).resolve().parents[1]
bin = Path(sys.executable).parent
workers = min(os.cpu_count(), 4)
threads = str(max(1, os.cpu_count()//workers))
env = dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, TOKENIZERS_PARALLELISM='false', MPLBACKEND='Agg',
           HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1', HF_DATASETS_OFFLINE='1')

def run(*cmd, cwd=root):
    "Run `cmd`, return what it printed; an exit code other than 0 raises with it."
    r = subprocess.run(cmd, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1500)
    if r.returncode: raise RuntimeError(r.stdout + r.stderr)
    return r.stdout

def copy(to):
    "A copy of what makes the package, for checks that write."
    for name in ('gradiend_nb', 'nbs'): shutil.copytree(root/name, to/name, ignore=shutil.ignore_patterns('__pycache__', '.ipynb_checkpoints'))
    for name in ('models/en-mlm', 'corpora'): shutil.copytree(root/'tests_data'/name, to/'tests_data'/name)
    for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE'): shutil.copy(root/name, to)
    return to

def same(a, b, pattern):
    "Raise if the files that match `pattern` are not the same in the folders `a` and `b`."
    files = {p.relative_to(d) for d in (a, b) for p in d.glob(pattern) if '.ipynb_checkpoints' not in p.parts}
    bad = sorted(str(f) for f in files if not ((a/f).exists() and (b/f).exists() and (a/f).read_bytes() == (b/f).read_bytes()))
    if bad: raise RuntimeError(f'not in step: {", ".join(bad)}; run make prepare')

def modules_agree():
    "Every module is what the notebooks export."
    with tempfile.TemporaryDirectory() as tmp:
        new = copy(Path(tmp))
        for f in new.glob('gradiend_nb/*.py'): f.name == '__init__.py' or f.unlink()
        run(bin/'nbdev_export', cwd=new)
        same(root, new, 'gradiend_nb/*.py')
        same(root, new, 'pyproject.toml')

def notebooks_clean():
    "nbdev_clean has nothing to do."
    with tempfile.TemporaryDirectory() as tmp:
        new = copy(Path(tmp))
        run(bin/'nbdev_clean', cwd=new)
        same(root, new, 'nbs/**/*.ipynb')

def readme_agrees():
    "README.md is made from index.ipynb."
    run(sys.executable, '.ci/nb2md.py', '--check')

def site_works():
    "The documentation site builds without a warning, all its links lead somewhere, every public name has its entry."
    with tempfile.TemporaryDirectory() as tmp: return run(sys.executable, '.ci/docs.py', '--out', Path(tmp)/'site').splitlines()[0]

import_alone = '''
import sys, time
import torch, transformers
start = time.time()
import gradiend_nb
took = time.time() - start
needless = {'nbdev', 'IPython', 'jupyterlab', 'matplotlib', 'spacy', 'datasets', 'ipywidgets', 'plotly'} & set(sys.modules)
assert not needless, f'import gradiend_nb also imports {needless}'
assert 'site-packages' in gradiend_nb.__file__, gradiend_nb.__file__
import fastcore
print(f'import in {took:.1f} s beyond torch and transformers; fastcore {fastcore.__version__}')
'''

def wheel_works():
    "The wheel, alone in a fresh environment with the newest fastcore and without nbdev, imports; the three steps of README.md lead to an edited model; its command reports on the demo."
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        (tmp/'src').mkdir()
        run(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', tmp, copy(tmp/'src'))
        wheel, = tmp.glob('*.whl')
        run(sys.executable, '-m', 'venv', tmp/'venv')
        py = tmp/'venv/bin/python'
        for what in ('torch', wheel): run(py, '-m', 'pip', 'install', '--quiet', '-c', 'constraints.txt', what)
        out = run(py, '-c', import_alone, cwd=tmp)
        out += run(py, '.ci/readme_steps.py', '--install', tmp/'src')
        said = run(tmp/'venv/bin/gradiend_nb', 'report', 'src/demo/run', cwd=tmp)
        if 'the edit took' not in said: raise RuntimeError(said)
        return out

def browser_works():
    "The control room works in a real browser, or there is none."
    for last in (False, True):      # a page that loads too slowly gets a second chance; latency is for `make test-browser`, where nothing else runs
        r = subprocess.run([sys.executable, '.ci/browser.py', '--latency', '2000'], cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        if r.returncode in (0, 77): return r.stdout
        if last: raise RuntimeError(r.stdout + r.stderr)

def notebook(path):
    "A task that runs one notebook in a process of its own."
    def task(): run(bin/'nbdev_test', '--path', path, '--n_workers', '0')
    return task

def timed(task):
    "Seconds, what it printed, and the error if it failed."
    start = time.time()
    try: out, error = task() or '', None
    except Exception as e: out, error = '', str(e)
    return time.time() - start, out, error

def main():
    tasks = {f.__doc__: f for f in (browser_works, wheel_works, site_works, modules_agree, notebooks_clean, readme_agrees)}
    paths = [p.relative_to(root) for p in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts]
    tasks |= {str(p): notebook(p) for p in sorted(paths, reverse=True)}  # the slow ones have high numbers
    results = {}
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(timed, task): name for name, task in tasks.items()}
        for f in as_completed(futures):
            name, (secs, out, error) = futures[f], f.result()
            results[name] = secs, error
            print(f'{"FAILED" if error else "passed"}  {name}', out, sep='\n' if out else '', flush=True)
    print('\nSeconds, slowest first')
    for name, (secs, _) in sorted(results.items(), key=lambda r: -r[1][0]): print(f'{secs:6.0f}  {name}')
    failed = {name: error for name, (_, error) in results.items() if error}
    for name, error in failed.items(): print(f'\n=== {name}\n{error}')
    print(f'{len(results) - len(failed)} passed, {len(failed)} failed', flush=True)
    sys.exit(bool(failed))

if __name__ == '__main__': main()
