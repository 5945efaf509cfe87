"Run the start tutorial as a script: print what its cells show, save its figures. The notebook stays the only source."
import argparse, ast, json, os
from pathlib import Path
os.environ.setdefault('MPLBACKEND', 'Agg')
import torch
from matplotlib.figure import Figure
import gradiend_nb

root = Path(__file__).resolve().parents[1]

def code_cells(path):
    "Sources of the code cells that a reader sees."
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        src = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and '#| hide' not in src: yield src

def viewer(out):
    "A `display` for scripts: tables are printed as text, figures saved as out/1.png, 2.png, ..."
    saved = []
    def show(*values):
        for v in values:
            if isinstance(v, Figure):
                saved.append(out/f'{len(saved) + 1}.png')
                v.savefig(saved[-1], dpi=150, bbox_inches='tight')
                print('Figure:', os.path.relpath(saved[-1]))
            elif hasattr(v, 'to_string'): print(v.to_string())
            elif hasattr(v, '_repr_markdown_'): print(v._repr_markdown_())
            else: print(v)
    return show

def run_cell(src, names):
    "Execute `src`; the value of a last bare expression is shown."
    tree = ast.parse(src)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) and not src.rstrip().endswith(';') else None
    exec(compile(tree, '<tutorial>', 'exec'), names)
    value = eval(compile(ast.Expression(last.value), '<tutorial>', 'eval'), names) if last else None
    if value is not None: names['display'](value)

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--model', help='base model instead of the embedded one: a folder or a hub id')
    p.add_argument('--texts', type=Path, help='file with a sentence a line instead of the embedded corpus')
    p.add_argument('--notebook', type=Path, default=root/'nbs/tutorials/start_here.ipynb')
    p.add_argument('--out', type=Path, default=root/'demo', help='where the figures go')
    args = p.parse_args()
    if args.model: gradiend_nb.demo_model = lambda *_, **__: args.model
    else: torch.set_num_threads(1)  # more cost more than they give on so small a model
    if args.texts: gradiend_nb.demo_texts = lambda *_, **__: args.texts.read_text(encoding='utf-8').splitlines()
    args.out.mkdir(parents=True, exist_ok=True)
    names = {'__name__': '__main__', 'display': viewer(args.out)}
    for src in code_cells(args.notebook):
        run_cell(src, names)
        print()

if __name__ == '__main__': main()
