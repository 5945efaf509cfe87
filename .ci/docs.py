"The documentation as a static site in _docs/, without Quarto and without running a cell; fails on a dead link, a warning, or a public name without an entry."
import argparse, os, re, shutil, subprocess, sys, tempfile
from configparser import ConfigParser
from pathlib import Path
import yaml

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root), str(root/'.ci'), str(root/'.ci/site')]
import check, pages

parser = ConfigParser(delimiters=['='])
parser.read(root/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']

first = 'start_here data_generation training evaluation model_rewrite decoder_only detailed_workflow debias'.split()   # then the others by name
explain = 'how_it_works', 'faq', 'glossary'

def sections(nbs):
    "Heading → keys of notebooks in reading order"
    tutorials = [k for k in nbs if '/' in k]
    order = lambda k: (first.index(k.split('/')[1]) if k.split('/')[1] in first else len(first), k)
    alone = [k for k in nbs if '/' not in k and k != 'index' and not k[0].isdigit()]
    return {'Start': ['index', *sorted(tutorials, key=order)], 'How it works': [k for k in explain if k in nbs],
        'Source': [k for k in nbs if k[0].isdigit()], 'Studies': [k for k in alone if k not in explain]}

def label(key, nb):
    "Entry of the navigation: the title up to a colon, with the number of its step"
    title = pages.front(nb)['title'].split(':')[0]
    return 'Overview' if key == 'index' else f'{key.split("_")[0]} {title}' if key[0].isdigit() else title

def origin(key, file):
    "Where the page comes from; opened in Colab by a click if the repository has an owner"
    made = f"<code>{cfg['lib_name']}.{file}</code>, made by " if key[0].isdigit() else ''
    note = f"{made}<code>{cfg['nbs_path']}/{key}.ipynb</code>"
    if not cfg['user']: return f'<p class="origin">{note}</p>'
    where = f"{cfg['user']}/{cfg['repo']}"
    url = f"https://colab.research.google.com/github/{where}/blob/{cfg['branch']}/{cfg['nbs_path']}/{key}.ipynb"
    return f'<p class="origin">{note} <a class="md-button" href="{url}">Open in Colab</a> after <code>%pip install git+{cfg["git_url"]}</code> in a first cell</p>'

def config(nbs, files, groups, out):
    "Content of mkdocs.yml"
    conf = yaml.safe_load((root/'.ci/site/mkdocs.yml').read_text(encoding='utf-8'))
    nav = [{name: [{label(k, nbs[k]): f'{files[k]}.md'} for k in keys]} for name, keys in groups.items() if keys]
    return conf | dict(site_name=cfg['title'], site_description=cfg['description'], copyright=cfg['copyright'], docs_dir='pages', site_dir=str(out), nav=nav)

def write_pages(nbs, files, folder):
    "Markdown of every notebook in `folder`; the formulas that stand behind tokens there"
    formulas = pages.Formulas()
    for k, nb in nbs.items():
        text = pages.Writer(files[k], pages.Prose(files[k], files, formulas), folder)(nb, origin(k, files[k]))
        (folder/f'{files[k]}.md').write_text(text, encoding='utf-8')
    shutil.copytree(root/'.ci/site/assets', folder/'assets')
    return formulas

def finish(formulas, out):
    "Tokens become MathML in the pages and LaTeX in the search index; table heads without a word go; nothing is loaded from elsewhere"
    from latex2mathml.converter import convert
    math = [convert(tex, display='block' if block else 'inline') for tex, block in formulas]
    latex = [tex.replace('\\', '\\\\').replace('"', '\\"').replace('\n', ' ') for tex, _ in formulas]
    for p in [*out.rglob('*.html'), *out.glob('search/search_index.js*')]:
        form = math if p.suffix == '.html' else latex
        text = re.sub(r'<thead>\s*<tr>\s*(<th[^>]*></th>\s*)+</tr>\s*</thead>', '', p.read_text(encoding='utf-8'))
        text = text.replace('https://unpkg.com/iframe-worker/shim', '../'*len(p.relative_to(out).parents[:-1]) + 'assets/file-worker.js')
        p.write_text(re.sub(r'zqmath(\d+)qz', lambda m: form[int(m[1])], text), encoding='utf-8')

def write_llms(nbs, files, groups, out):
    "llms.txt, the list of pages with what each is about; llms-full.txt, all of them as text; and `page.html.md` beside each page"
    base = f"{cfg['doc_host']}{cfg['doc_baseurl']}/" if cfg['user'] else ''
    lines, full = [f"# {cfg['title']}", '', f"> {pages.front(nbs['index'])['description']}"], []
    for name, keys in groups.items():
        if keys: lines += ['', f'## {name}', '']
        for k in keys:
            meta, text = pages.front(nbs[k]), pages.as_text(nbs[k])
            (out/f'{files[k]}.html.md').write_text(text, encoding='utf-8')
            lines.append(f"- [{meta['title']}]({base}{files[k]}.html.md): {meta['description']}")
            full.append(text)
    (out/'llms.txt').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    (out/'llms-full.txt').write_text('\n\n'.join(full), encoding='utf-8')

def build(out):
    "The site in the folder `out`"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        shutil.copytree(root/'nbs', tmp/'nbs', ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
        shutil.copy(root/'settings.ini', tmp)
        nbs = pages.process(tmp)
        files = {k: k if '/' in k else Path(pages.front(nb)['output-file']).stem for k, nb in nbs.items()}
        shutil.copytree(root/'nbs', tmp/'pages', ignore=shutil.ignore_patterns('*.ipynb', '.*'))   # folders, and pictures that pages show
        groups, formulas = sections(nbs), write_pages(nbs, files, tmp/'pages')
        (tmp/'mkdocs.yml').write_text(yaml.safe_dump(config(nbs, files, groups, tmp/'site'), sort_keys=False, allow_unicode=True), encoding='utf-8')
        env = dict(os.environ, NO_MKDOCS_2_WARNING='1', DISABLE_MKDOCS_2_WARNING='true')
        r = subprocess.run([sys.executable, '-m', 'mkdocs', 'build', '--strict', '-f', 'mkdocs.yml'], cwd=tmp, env=env, capture_output=True, text=True)
        said = [l for l in r.stderr.splitlines() if not l.startswith('INFO')]
        if r.returncode or said: sys.exit('\n'.join(said))
        finish(formulas, tmp/'site')
        write_llms(nbs, files, groups, tmp/'site')
        shutil.rmtree(out, ignore_errors=True)
        os.chdir(root)
        shutil.copytree(tmp/'site', out)

def prepare_for_quarto():
    "Change the notebooks of this checkout so that `nbdev_docs` keeps their text and runs no test; for machines that build the Quarto site"
    for p in (root/'nbs').rglob('*.ipynb'): pages.write_nb(pages.only_exports_run(pages.split_title(pages.read_nb(p))), p)

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--out', type=Path, default=root/cfg['doc_path'])
    p.add_argument('--prepare-for-quarto', action='store_true', help=prepare_for_quarto.__doc__)
    args = p.parse_args()
    if args.prepare_for_quarto: return prepare_for_quarto()
    out = args.out.resolve()
    build(out)
    facts, bad = check.site(out, cfg['doc_host'] if cfg['user'] else None)
    for line in bad: print(line)
    print(facts)
    print(f'{os.path.relpath(out)}/index.html; to read it in a browser: {os.path.basename(sys.executable)} -m http.server -d {os.path.relpath(out)} -b 127.0.0.1 8000')
    sys.exit(bool(bad))

if __name__ == '__main__': main()
