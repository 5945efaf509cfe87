"Entries of the API: every public name of a module as Markdown, with its signature, its parameters and an anchor."
import ast, html, inspect, io, re, sys, tokenize
from collections import Counter
from dataclasses import fields, is_dataclass
from functools import cached_property
from importlib import import_module
from textwrap import dedent
from gradiend_nb._modidx import d as index

empty, PROPERTY = inspect.Parameter.empty, (property, cached_property)

def symbols():
    "Dotted name within its module, such as `Run.start` → (page, anchor); the first module that has it"
    out = {}
    for module, syms in index['syms'].items():
        for name, (where, _) in syms.items():
            page, _, anchor = where.partition('.html#')
            out.setdefault(name.removeprefix(f'{module}.'), (page, anchor))
    return out

SYMBOLS = symbols()

def find(module, dotted):
    "The object `dotted` of `module`, properties as they are"
    o = module
    for part in dotted.split('.'): o = inspect.getattr_static(o, part) if inspect.isclass(o) else getattr(o, part)
    return o

def function_of(o):
    "What is called when `o` is: for classes their `__init__`, for properties and bound methods the function"
    if inspect.isclass(o): return o if is_dataclass(o) else o.__init__
    return o.fget if isinstance(o, property) else o.func if isinstance(o, cached_property) else getattr(o, '__func__', o)

def parameters(o):
    "Parameters of a call, without self"
    f = function_of(o)
    if f is object.__init__: return [], empty
    try: sig = inspect.signature(f)
    except (ValueError, TypeError): return [], empty
    ps = [p for p in sig.parameters.values() if p.name not in ('self', 'cls')]
    return ps, empty if inspect.isclass(o) else sig.return_annotation

def beside(source):
    "Name → comment on its line, for the parameters of a function, its result, or the fields of a class"
    source = dedent(source)
    o = ast.parse(source).body[0]
    at = {t.start[0]: t.string.strip('# ') for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT}
    if isinstance(o, ast.ClassDef): lines = {f.target.id: f.lineno for f in o.body if isinstance(f, ast.AnnAssign)}
    else:
        every = [*o.args.posonlyargs, *o.args.args, *o.args.kwonlyargs, *filter(None, (o.args.vararg, o.args.kwarg))]
        lines = {a.arg: a.lineno for a in every} | ({'return': o.returns.lineno} if o.returns else {})
        closing = next((n for n in at if not o.returns and max(lines.values(), default=0) < n < o.body[0].lineno), None)
        if closing: lines['return'] = closing
    shared = Counter(lines.values())
    return {k: at[n] for k, n in lines.items() if n in at and shared[n] == 1}

def comments(o):
    "Parameter → what is said about it where it is defined, or where `o` passes it on to"
    f = function_of(o)
    owner = getattr(sys.modules[f.__module__], f.__qualname__.split('.')[0], None) if inspect.isfunction(f) else None
    if is_dataclass(owner) and f.__name__ == '__init__': f = owner
    if inspect.isclass(f):
        out = {k: v for c in reversed(f.__mro__) if is_dataclass(c) and '__dataclass_fields__' in vars(c) for k, v in beside(inspect.getsource(c)).items()}
        return out | {p.name: p.metadata['doc'] for p in fields(f) if 'doc' in p.metadata}
    passed_on = comments(f.__delwrap__) if hasattr(f, '__delwrap__') else {}
    own = beside(inspect.getsource(inspect.unwrap(f))) if inspect.isfunction(f) else {}
    return {k: v for k, v in passed_on.items() if k != 'return'} | own

def said(o):
    "The docstring of `o` itself, on one line"
    doc = o.__dict__.get('__doc__') if inspect.isclass(o) else function_of(o).__doc__
    if doc and is_dataclass(o) and doc.startswith(f'{o.__name__}('): return ''
    return ' '.join((doc or '').split())

def short(v, n=40):
    "`repr` of a default, short and the same on every machine"
    if inspect.isclass(v) or inspect.isfunction(v): return v.__name__
    text = re.sub(r' at 0x[0-9a-f]+', '', repr(v))
    return text if len(text) <= n else text[:n - 1] + '…'

def type_name(a):
    if a is empty or a is None: return ''
    text = a if isinstance(a, str) else a.__name__ if inspect.isclass(a) and not hasattr(a, '__args__') else str(a)
    return re.sub(r'\b(?:[a-z_]\w*\.)+(?=[A-Za-z])', '', text)

def default_of(p):
    if p.default is empty: return ''
    factory = type(p.default).__name__ == '_HAS_DEFAULT_FACTORY_CLASS'
    return '…' if factory else short(p.default)

def link(text, up=''):
    "Text with `code` as HTML; names of the package become links"
    def code(m):
        at = target(m[1])
        tag = f'<code>{m[1]}</code>'
        return f'<a href="{up}{at[0]}.html#{at[1]}">{tag}</a>' if at else tag
    text = re.sub(r'(?<![\w*])\*([^*`]+)\*(?![\w*])', r'<em>\1</em>', html.escape(text, quote=False))
    return re.sub(r'`([^`]+)`', code, text)

def target(name):
    "(page, anchor) that the code `name` in a text speaks of; None for plain words, which may mean anything"
    plain = re.fullmatch(r'([A-Za-z_][\w.]*?)(\(\))?', name)
    if not plain or re.search(r'(^|\.)_', plain[1]) or not (plain[2] or re.search(r'[A-Z._]', plain[1])): return None
    return SYMBOLS.get(plain[1])

def signature(name, ps):
    "The call as it is written, one parameter a line if there are many"
    star = {inspect.Parameter.VAR_POSITIONAL: '*', inspect.Parameter.VAR_KEYWORD: '**'}
    parts = [star.get(p.kind, '') + p.name + (f'={default_of(p)}' if p.default is not empty else '') for p in ps]
    if len(parts) > 24: return f'{name}(…)   # {len(parts)} parameters'
    line = f"{name}({', '.join(parts)})"
    return line if len(line) <= 100 else f'{name}(\n' + ''.join(f'    {p},\n' for p in parts) + ')'

def parameter_table(anchor, o):
    ps, returns = parameters(o)
    notes = comments(o)
    rows = [(p.name, type_name(p.annotation), default_of(p), notes.get(p.name, '')) for p in ps]
    if returns is not empty or 'return' in notes: rows.append(('returns', type_name(returns), '', notes.get('return', '')))
    if not rows or isinstance(o, PROPERTY) and not notes: return ''
    heads, code = ('parameter', 'type', 'default', ''), lambda v: f'<code>{html.escape(v)}</code>' if v else ''
    used = [i for i in range(4) if i in (0, 3) or any(r[i] for r in rows)]
    cell = lambda r, i: '<em>returns</em>' if r[i] == 'returns' else link(r[3]) if i == 3 else code(r[i])
    body = ''.join(f'<tr data-of="{anchor}" data-name="{r[0]}">' + ''.join(f'<td>{cell(r, i)}</td>' for i in used) + '</tr>' for r in rows)
    return f'<table class="params"><thead><tr>{"".join(f"<th>{heads[i]}</th>" for i in used)}</tr></thead><tbody>{body}</tbody></table>'

def in_body(cls):
    "Name → public method or property that the class body defines (those added later have entries of their own)"
    own = {k: v for k, v in vars(cls).items() if (not k.startswith('_') or k == '__call__') and (inspect.isfunction(v) or isinstance(v, (*PROPERTY, classmethod, staticmethod)))}
    return {k: v for k, v in own.items() if function_of(v).__qualname__ == f'{cls.__name__}.{k}' and f'{cls.__name__}.{k}' not in added(cls)}

def added(cls):
    "Dotted names of what `@patch` gave to the class: their code does not stand in its body"
    lines, start = inspect.getsourcelines(cls)
    stop, file = start + len(lines), inspect.getsourcefile(cls)
    out = set()
    for k, v in vars(cls).items():
        f = inspect.unwrap(function_of(v)) if callable(v) or isinstance(v, (*PROPERTY, classmethod, staticmethod)) else None
        code = getattr(f, '__code__', None)
        if code and not (code.co_filename == file and start <= code.co_firstlineno < stop): out.add(f'{cls.__name__}.{k}')
    return out

def methods_table(cls):
    rows = []
    for k, v in in_body(cls).items():
        anchor, ps = f'{cls.__name__}.{k}'.lower(), parameters(v)[0]
        call = k if isinstance(v, PROPERTY) else signature(k, ps).replace('\n', ' ')
        notes = '; '.join(f'`{p}`: {t}' for p, t in comments(v).items() if p != 'return')
        text = ' — '.join(o for o in (said(v), notes) if o)
        rows.append(f'<tr id="{anchor}"><td><code>{html.escape(call)}</code></td><td>{link(text)}</td></tr>')
    return f'<table class="methods"><thead><tr><th>in the class</th><th></th></tr></thead><tbody>{"".join(rows)}</tbody></table>' if rows else ''

def entry(module, dotted):
    "The entry of the name `dotted` on the page of `module`"
    o, anchor = find(module, dotted), dotted.lower()
    label = ' data-toc-label=".' + dotted.split('.')[1] + '"' if '.' in dotted else ''
    head = f'#### {dotted} {{ #{anchor} .api{label} }}'
    if '__' in anchor: head = f'<a id="{anchor}"></a>\n\n#### {dotted.replace("_", chr(92) + "_")} {{ .api{label} }}'   # an id with __ would be bold
    kind = 'property' if isinstance(o, PROPERTY) else 'class' if inspect.isclass(o) else ''
    bases = ', '.join(b.__name__ for b in o.__bases__ if b.__name__ not in ('object', 'ABC') and not b.__name__.startswith('_')) if kind == 'class' else ''
    sig = f'```python\n{signature(dotted, parameters(o)[0])}{f"   # extends {bases}" * bool(bases)}\n```' if kind != 'property' else '*property*'
    text = link(said(o))
    tables = [parameter_table(anchor, o), methods_table(o) if kind == 'class' else '']
    return '\n\n'.join(p for p in (head, sig, f'<p class="doc">{text}</p>' if text else '', *tables) if p)

def others(module, documented):
    "What `__all__` has beside functions and classes defined here: constants with their values, and names of other modules"
    rows = []
    for name in module.__all__:
        if name in documented: continue
        o, at = getattr(module, name), SYMBOLS.get(name)
        what = link(f'`{name}`', '') + f' of <a href="{at[0]}.html">{at[0]}</a>' if at else f'<code>{html.escape(short(o, 200))}</code>'
        rows.append(f'<tr id="{name.lower()}"><td><code>{name}</code></td><td>{what}</td></tr>')
    if not rows: return ''
    return '## Other names { #other-names }\n\nConstants, and names that can be imported from here as well.\n\n' + f'<table class="params"><tbody>{"".join(rows)}</tbody></table>'

def public(module):
    "Dotted names that need an entry on the page of `module`: what it defines, and what it adds to classes"
    name = module.__name__
    own = [s.removeprefix(f'{name}.') for s in index['syms'][name]]
    return [s for s in own if not any(part.startswith('_') and part != '__call__' for part in s.split('.'))]

def modules():
    "The modules of the package that notebooks export"
    return [import_module(m) for m in index['syms']]
