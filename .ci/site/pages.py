"Notebooks as Markdown pages: nbdev processes them, no cell is run, `api` writes the entries."
import ast, base64, os, re
import nbdev.serve
import yaml
from execnb.nbio import mk_cell, read_nb, write_nb
from nbdev.processors import FilterDefaults, add_links, add_show_docs, exec_show_docs, insert_warning, rm_export
from nbdev.process import Processor
from nbdev.showdoc import showdoc_nm
import api
from nb2md import joined

def split_title(nb):
    "Title and summary in a cell of their own: nbdev keeps nothing else of the first cell"
    for i, c in enumerate(nb.cells):
        if c.cell_type != 'markdown' or not c.source.lstrip().startswith('# '): continue
        head = re.match(r'\s*# [^\n]*\n*(> [^\n]*\n*)?', c.source)[0]
        rest = c.source[len(head):].strip()
        if rest: nb.cells.insert(i + 1, mk_cell(rest, 'markdown'))
        c.source = head.strip()
        return nb
    raise ValueError('a page needs a Markdown cell that begins with "# title"')

def only_exports_run(nb):
    "nbdev's own processors run every cell of a module's notebook that imports something; now those only that are exported"
    for c in nb.cells:
        if c.cell_type == 'code' and re.search(r'^\s*(import|from) ', c.source, re.M) and not re.match(r'#\|\s*(export|default_exp)', c.source): c.source = f'#| eval: false\n{c.source}'
    return nb

def definitions(cell):
    "Names of the public functions, methods and classes that the cell defines, as `Class.method`"
    return [showdoc_nm(o) for o in ast.parse(cell.source).body if isinstance(o, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]

class Entries(Processor):
    "In place of exported cells: the entries of what they define, and the code folded away"
    def begin(self):
        name = next((a[0] for c in self.nb.cells for k, a in c.directives_.items() if k == 'default_exp'), None)
        self.module = name and api.import_module(f'gradiend_nb.{name}')
        self.shown = set()
        self.nb.cells = [new for c in self.nb.cells for new in self.replace(c)]
        rest = self.module and api.others(self.module, self.shown)
        if rest: self.nb.cells.append(self.raw(rest))
        for i, c in enumerate(self.nb.cells): c.idx_ = i

    def raw(self, text, kind='entry'):
        cell = mk_cell(text, 'raw', metadata={'site': kind})
        cell.directives_ = {}
        return cell

    def replace(self, cell):
        if not (self.module and cell.cell_type == 'code' and cell.directives_.keys() & {'export', 'exporti', 'exports'}): return [cell]
        names = definitions(cell)
        public = [n for n in names if n not in self.shown and not re.search(r'(^|\.)_(?!_call__)', n)]
        self.shown |= set(public)
        tree = ast.parse(cell.source).body
        idle = all(isinstance(o, (ast.Import, ast.ImportFrom)) or isinstance(o, ast.Assign) and ast.unparse(o.targets[0]) == '_all_' for o in tree)
        return [self.raw(api.entry(self.module, n)) for n in public] + ([] if idle else [self.raw(cell.source, 'source')])

class Site(FilterDefaults):
    "nbdev's processors, without those that run cells, drop code or make absolute links"
    def base_procs(self):
        drop = {add_show_docs, exec_show_docs, insert_warning, rm_export, add_links}
        return [Entries if p is rm_export else p for p in super().base_procs() if p not in drop - {rm_export}]

def process(folder):
    "Processed notebooks of the copy of the repository in `folder`"
    for p in (folder/'nbs').rglob('*.ipynb'): write_nb(split_title(read_nb(p)), p)
    nbdev.serve.FilterDefaults = Site
    os.chdir(folder)
    nbdev.serve.proc_nbs(force=True, n_workers=0)
    return {p.relative_to(folder/'_proc').with_suffix('').as_posix(): read_nb(p) for p in sorted((folder/'_proc').rglob('*.ipynb'))}

def front(nb):
    "Title, summary and file name of a processed notebook"
    return yaml.safe_load(nb.cells[0].source.strip().strip('-'))

_TOKEN = 'zqmath{}qz'   # stands for a formula until the page is HTML, so that no Markdown is found in it

class Formulas(list):
    "LaTeX of the pages in the order of their tokens"
    def hide(self, m):
        self.append((m[1] or m[2], bool(m[1])))
        return _TOKEN.format(len(self) - 1)

_CODE = re.compile(r'(^```.*?^```|`[^`\n]+`)', re.S | re.M)
_MATH = re.compile(r'\$\$(.+?)\$\$|\$(?! )([^$\n]+?)(?<! )\$', re.S)

def callouts(text):
    "Quarto's call-outs as those of Material"
    def box(m): return f'!!! {m[1]}\n\n' + '\n'.join('    ' + l for l in m[2].strip().splitlines())
    return re.sub(r'^:::\s*\{\.callout-(\w+)[^}]*\}\n(.*?)^:::\s*$', box, text, flags=re.S | re.M)

class Prose:
    "Markdown of one page: links to notebooks and names resolved, formulas hidden, call-outs translated"
    def __init__(self, where, files, formulas): self.up, self.folder, self.files, self.formulas = '../'*where.count('/'), os.path.dirname(where), files, formulas

    def __call__(self, text):
        parts = _CODE.split(callouts(text))
        text = ''.join(self.code(p, parts[i - 1]) if i % 2 else self.plain(p) for i, p in enumerate(parts))
        return re.sub(r'^([^\n|>#\s-][^\n]*)\n(?=[-*] |\d+\. |\|)', self.loosen, text, flags=re.M)

    def loosen(self, m): return m[0] if re.match(r'[-*] |\d+\. |\|', m[1]) else m[0] + '\n'   # lists and tables need a blank line before them

    def plain(self, text):
        text = re.sub(r'\]\((?![a-z]+:|#)([^)#\s]+)\.ipynb(#[^)\s]*)?\)', lambda m: f']({self.page(m[1])}.md{m[2] or ""})', text)
        return _MATH.sub(self.formulas.hide, text)

    def page(self, path):
        key = os.path.normpath(os.path.join(self.folder, path))
        return self.up + self.files.get(key, key)      # mkdocs names a page that is not there

    def code(self, text, before):
        if text.startswith('```') or re.search(r'\[[^\]]*$', before): return text     # a block, or inside a link
        name = text[1:-1]
        if name in self.files: return f'[{text}]({self.page(name)}.md)' if not self.folder else f'[{text}]({self.up}{self.files[name]}.md)'
        at = api.target(name)
        return f'[{text}]({self.up}{at[0]}.md#{at[1]})' if at else text

_FOLD = '??? source "Source"\n\n'

def is_block(part): return part.startswith('```python\n') and part.endswith('\n```') and part.count('```') == 2

def fence(text, lang='text'):
    ticks = '`'*max(3, 1 + max(map(len, re.findall('`+', text)), default=0))
    return f'{ticks}{lang}\n{text.rstrip()}\n{ticks}'

_NUMBER = re.compile(r'[-+−]?[\d.,]+(e[-+]?\d+)?%?|nan|None|')

def html_table(src):
    "A data frame's HTML without its own style, columns of numbers marked, in a box that scrolls"
    src = re.sub(r'<style.*?</style>', '', src, flags=re.S)
    src = re.sub(r' (?:border="\d+"|style="text-align: \w+;")', '', src)
    rows = [re.findall(r'<(t[hd])([^>]*)>(.*?)</t[hd]>', r, re.S) for r in re.findall(r'<tr[^>]*>(.*?)</tr>', src, re.S)]
    if rows and not any('span=' in c[1] for r in rows for c in r) and len({len(r) for r in rows}) == 1:
        numeric = [all(_NUMBER.fullmatch(r[i][2].strip()) for r in rows if r[-1][0] == 'td') for i in range(len(rows[0]))]
        def mark(row):
            at = iter(numeric)
            return re.sub(r'<(t[hd])>', lambda m: f'<{m[1]} class="n">' if next(at, False) else m[0], row[0])
        src = re.sub(r'<tr.*?</tr>', mark, src, flags=re.S)
    return f'<div class="out">\n{re.sub(chr(10) + "+", chr(10), src.strip())}\n</div>'

class Writer:
    "One processed notebook → Markdown, and its pictures as files"
    def __init__(self, where, prose, out): self.where, self.prose, self.out, self.n, self.heading = where, prose, out, 0, ''

    def output(self, o):
        if o['output_type'] == 'stream': return fence(''.join(o['text']))
        data = {k: ''.join(v) for k, v in o.get('data', {}).items() if isinstance(v, (str, list))}
        if 'application/vnd.jupyter.widget-view+json' in o.get('data', {}) and 'text/html' not in data: return ''
        if 'text/html' in data: return html_table(data['text/html'])
        if 'text/markdown' in data: return f'<div class="out" markdown>\n\n{data["text/markdown"]}\n\n</div>'
        if 'image/png' in data: return self.picture(data['image/png'], o.get('metadata', {}).get('image/png', {}))
        return fence(data['text/plain']) if 'text/plain' in data else ''

    def picture(self, data, size):
        name = f'{os.path.basename(self.where)}_files/{self.n}.png'
        self.n += 1
        path = self.out/os.path.dirname(self.where)/name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
        width = f'{{ width="{size["width"]}" }}' if 'width' in size else ''
        return f'![Figure: {self.heading}]({name}){width}'

    def cell(self, c):
        if c.cell_type == 'raw': return self.raw(c)
        if c.cell_type == 'markdown':
            if found := re.findall(r'^#+ (.*)$', c.source, re.M): self.heading = re.sub(r'[`*\[\]]', '', found[-1])
            return self.prose(c.source)
        options = dict(re.findall(r'^#\|\s*([\w-]+):\s*(.*)$', c.source, re.M))
        code = re.sub(r'^#\|.*\n?', '', c.source, flags=re.M).strip()
        if options.get('include') == 'false' or not code: return ''
        shown = [] if options.get('echo') == 'false' else [fence(code, 'python')]
        return '\n\n'.join(filter(None, shown + [self.output(o) for o in joined(c.outputs)]))

    def raw(self, c):
        if c.metadata.get('site') == 'entry': return c.source
        if c.metadata.get('site') != 'source': return ''
        body = '\n'.join('    ' + l for l in fence(re.sub(r'^#\|.*\n', '', c.source, flags=re.M).strip(), 'python').splitlines())
        return _FOLD + body

    def __call__(self, nb, where=''):
        meta = front(nb)
        parts = [f'# {meta["title"]}', f'<p class="summary">{api.link(meta.get("description", ""), self.prose.up)}</p>', where]
        for part in filter(None, map(self.cell, nb.cells[1:])):
            if part.startswith('```python') and is_block(parts[-1]): part = parts.pop()[:-3].rstrip() + part[9:]   # nothing between two cells
            if part.startswith(_FOLD) and parts[-1].startswith(_FOLD): part = parts.pop() + '\n\n' + part[len(_FOLD):]
            parts.append(part)
        return '\n\n'.join(filter(None, parts)) + '\n'

def as_text(nb):
    "The page for readers of plain text: prose, code, and what was printed"
    meta, parts = front(nb), []
    for c in nb.cells[1:]:
        if c.cell_type == 'markdown': parts.append(c.source)
        elif c.metadata.get('site') != 'entry':
            code = re.sub(r'^#\|.*\n?', '', c.source, flags=re.M).strip()
            if code: parts.append(fence(code, 'python'))
            for o in c.get('outputs', []):
                text = ''.join(o.get('text') or o.get('data', {}).get('text/plain') or '')
                if text and not text.startswith('<'): parts.append(fence(text))
    return f'# {meta["title"]}\n\n> {meta.get("description", "")}\n\n' + '\n\n'.join(parts) + '\n'
