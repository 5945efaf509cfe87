"Checks of a built site: links and anchors lead somewhere, nothing is loaded from elsewhere, every public name has its entry."
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit
import api

class Page(HTMLParser):
    "Ids, API entries, links, loaded files and parameter rows of one page"
    def __init__(self, text):
        super().__init__()
        self.ids, self.entries, self.links, self.assets, self.rows = set(), set(), [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if 'id' in a: self.ids.add(a['id'])
        if tag == 'h4' and 'api' in a.get('class', '').split(): self.entries.add(a['id'])
        if 'data-of' in a: self.rows.add((a['data-of'], a['data-name']))
        if tag == 'a' and 'href' in a: self.links.append(a['href'])
        if tag == 'link' and a.get('rel') not in ('canonical', 'prev', 'next', 'alternate'): self.assets.append(a['href'])
        if tag in ('script', 'img', 'iframe', 'source', 'video', 'audio') and 'src' in a: self.assets.append(a['src'])

def leads(out, page, url, read):
    "Whether the relative `url` on `page` leads to a file of the site, and its anchor to an element"
    parts = urlsplit(url)
    path = unquote(parts.path)
    to = out/path.lstrip('/') if path.startswith('/') else page.parent/path if path else page
    to = to.resolve()
    if to.is_dir(): to = to/'index.html'
    if not to.is_file() or not to.is_relative_to(out): return False
    return not parts.fragment or to.suffix != '.html' or unquote(parts.fragment) in read[to].ids

def link_faults(out, read, host):
    "Dead links, and files that a page would load from elsewhere"
    for page, p in read.items():
        name = page.relative_to(out)
        for url in p.links + p.assets:
            away = re.match(r'[a-z]+:|//', url)
            if away and url in p.assets and not url.startswith('data:'): yield f'{name} loads {url} from elsewhere'
            if away and host and url.startswith(host): yield f'{name} has the absolute link {url} to this site'
            if not away and not leads(out, page, url, read): yield f'{name}: dead link {url}'
    for f in out.rglob('*.css'):
        for url in re.findall(r'(?:url\(|@import )["\']?(https?:[^"\')]+)', f.read_text(encoding='utf-8')): yield f'{f.relative_to(out)} loads {url} from elsewhere'
    for url in re.findall(r'\]\((?!https?:)([^)]+)\)', (out/'llms.txt').read_text(encoding='utf-8')):
        if not (out/url).is_file(): yield f'llms.txt: dead link {url}'

def api_faults(out, read):
    "Public names without an entry, parameters without a row"
    for module in api.modules():
        page = module.__name__.rpartition('.')[2] + '.html'
        p = read[out/page]
        for name in api.public(module):
            anchor = name.lower()
            if anchor not in p.ids: yield f'{page} has no entry {name}'
            elif anchor in p.entries or '.' not in name:   # else a line of its class
                for q in api.parameters(api.find(module, name))[0]:
                    if (anchor, q.name) not in p.rows: yield f'{page}: {name} has no row for its parameter {q.name}'
        for name in module.__all__:
            if name.lower() not in p.ids: yield f'{page} has no entry {name}'

def facts(out, read):
    "One line of figures"
    names = [(m, n) for m in api.modules() for n in api.public(m)]
    seen = [(q.name in notes) for m, n in names for o in [api.find(m, n)] for notes in [api.comments(o)] for q in api.parameters(o)[0]]
    size = sum(f.stat().st_size for f in out.rglob('*') if f.is_file())/2**20
    return f'{len(read)} pages, {sum(len(p.links) for p in read.values()):,} links, {len(names)} names with {len(seen)} parameters ({sum(seen)/len(seen):.0%} described), {size:.1f} MB'

def site(out, host=None):
    "Figures and faults of the site in the folder `out`; `host`: where it will be published"
    read = {f: Page(f.read_text(encoding='utf-8')) for f in sorted(out.rglob('*.html'))}
    return facts(out, read), [*link_faults(out, read, host), *api_faults(out, read)]
