"nbs/index.ipynb -> README.md, without Quarto. With --check: only say whether README.md is up to date."
import argparse, base64, json, posixpath, re, sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]

def relink(text):
    "Links relative to nbs/ become relative to the root of the repository."
    def fix(m): return f"]({posixpath.normpath(posixpath.join('nbs', m[1]))}{m[2] or ''})"
    return re.sub(r'\]\((?![a-z]+:|#|/)([^)#\s]+)(#[^)\s]*)?\)', fix, text)

def table(src):
    "The rows of an HTML table as a Markdown table."
    rows = [[re.sub('<[^>]*>', '', c).strip().replace('|', r'\|') for c in re.findall(r'<t[hd][^>]*>(.*?)</t[hd]>', r, re.S)]
            for r in re.findall(r'<tr[^>]*>(.*?)</tr>', src, re.S)]
    if len(rows) > 1 and rows[1][0] and not any(rows[0][:1] + rows[1][1:]): rows[0][0] = rows.pop(1)[0]  # pandas gives the index' name a row
    rows.insert(1, ['---']*len(rows[0]))
    return '\n'.join('| ' + ' | '.join(r) + ' |' for r in rows)

def fence(text, lang=''): return f'```{lang}\n{text.strip()}\n```'

def output(out, images):
    "One cell output as Markdown; a picture is put into `images` under its path."
    if out['output_type'] == 'stream': return fence(''.join(out['text'])) if out['name'] == 'stdout' else ''
    data = {k: ''.join(v) for k, v in out.get('data', {}).items() if isinstance(v, (str, list))}
    if 'text/markdown' in data: return relink(data['text/markdown']).strip()
    if '<table' in data.get('text/html', ''): return table(data['text/html'])
    if 'image/png' in data:
        path = f'nbs/index_files/{len(images) + 1}.png'
        images[path] = base64.b64decode(data['image/png'])
        return f'![]({path})'
    is_widget = 'application/vnd.jupyter.widget-view+json' in data
    return fence(data['text/plain']) if 'text/plain' in data and not is_widget else ''

def joined(outs):
    "Outputs of a cell, what was printed in one piece"
    done = []
    for o in outs:
        if done and o['output_type'] == done[-1]['output_type'] == 'stream' and o['name'] == done[-1]['name']: done[-1] = done[-1] | dict(text=[*done[-1]['text'], *o['text']])
        else: done.append(o)
    return done

def convert(nb):
    "README text and {path: picture} of a notebook; code cells with nothing between them become one block."
    parts, images = [], {}
    for cell in nb['cells']:
        src = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown': parts.append(relink(src).strip())
        if cell['cell_type'] != 'code' or '#| hide' in src: continue
        code = '\n'.join(l for l in src.splitlines() if not l.startswith('#|'))
        if '#| echo: false' not in src:
            joins = parts and parts[-1].startswith('```python')
            parts.append(fence(parts.pop()[9:-3] + code if joins else code, 'python'))
        parts += filter(None, (output(o, images) for o in joined(cell['outputs'])))
    note = '<!-- Made from nbs/index.ipynb by `make readme`: edit the notebook. -->'
    return '\n\n'.join([note, *parts]) + '\n', images

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--check', action='store_true')
    check = p.parse_args().check
    text, images = convert(json.loads((root/'nbs/index.ipynb').read_text(encoding='utf-8')))
    files = {'README.md': text.encode(), **images}
    old = [f for f, data in files.items() if not (root/f).exists() or (root/f).read_bytes() != data]
    if check: sys.exit(f'not made from nbs/index.ipynb as it is now: {", ".join(old)}; run make readme' if old else 0)
    for f in old:
        (root/f).parent.mkdir(exist_ok=True)
        (root/f).write_bytes(files[f])

if __name__ == '__main__': main()
