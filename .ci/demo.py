"Run the start tutorial as a script: print what its cells show, save its figures. The notebook stays the only source."
import argparse, ast, json, os
from pathlib import Path
import matplotlib; matplotlib.use('Agg')
import matplotlib.pyplot as plt
import gradiend_nb

root = Path(__file__).resolve().parents[1]

def code_cells(path):
    "Sources of the code cells that a reader sees."
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        src = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and '#| hide' not in src: yield src

def show(*values):
    "Print values as a notebook would show them: tables as text, figures are saved with the cell."
    for v in values:
        if hasattr(v, 'to_string'): print(v.to_string())
        elif hasattr(v, '_repr_markdown_'): print(v._repr_markdown_())
        elif not isinstance(v, plt.Figure): print(v)

def run_cell(src, names):
    "Execute `src`; the value of a last bare expression is shown."
    tree = ast.parse(src)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) and not src.rstrip().endswith(';') else None
    exec(compile(tree, '<tutorial>', 'exec'), names)
    if last and (value := eval(compile(ast.Expression(last.value), '<tutorial>', 'eval'), names)) is not None: show(value)

def save_figures(out, n):
    "Save and close the open figures as out/01.png, 02.png, ...; returns how many there are now."
    for num in plt.get_fignums():
        n += 1
        plt.figure(num).savefig(out/f'{n:02}.png', bbox_inches='tight')
    plt.close('all')
    return n

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--model', help='base model instead of the embedded one: a folder or a hub id')
    p.add_argument('--texts', help='file with a sentence a line instead of the embedded corpus')
    p.add_argument('--notebook', type=Path, default=root/'nbs/tutorials/start_here.ipynb')
    p.add_argument('--out', type=Path, default=root/'demo', help='where the figures go')
    args = p.parse_args()
    if args.model: gradiend_nb.demo_model = lambda *_, **__: args.model
    if args.texts: gradiend_nb.demo_texts = lambda *_, **__: Path(args.texts).read_text(encoding='utf-8').splitlines()
    args.out.mkdir(parents=True, exist_ok=True)
    names, n = {'__name__': '__main__', 'display': show}, 0
    for src in code_cells(args.notebook):
        run_cell(src, names)
        n = save_figures(args.out, n)
    print(f'{n} figures in {os.path.relpath(args.out)}')

if __name__ == '__main__': main()
