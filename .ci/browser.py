"""The control room in a real browser, served on 127.0.0.1 by Voila, JupyterLab and Notebook: train, pause, resume, stop, explore, edit, undo.

    python .ci/browser.py [--front voila lab notebook]        # or: make test-browser

Screenshots go to browser/ (not in git). Exit code 77: there is no browser, and none can be installed.
"""
import argparse, contextlib, json, os, secrets, shutil, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path
from urllib.parse import urlsplit

root = Path(__file__).resolve().parents[1]
shots = root/'browser'
chrome = '--no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()

# %% a browser

def find_browser():
    "Path of a Chromium; as root on a machine with apt-get it is installed if need be"
    names = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
    found = lambda: next(filter(None, map(shutil.which, names)), None)
    if found(): return found()
    if shutil.which('apt-get') and os.geteuid() == 0:
        apt = ['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=120']
        for cmd in ([*apt, 'update'], [*apt, 'install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']):
            subprocess.run(cmd, env=dict(os.environ, DEBIAN_FRONTEND='noninteractive'), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return found()

# %% servers

app = '''
import pandas as pd, torch, transformers
transformers.utils.logging.disable_progress_bar()
from gradiend_nb import PrePruneConfig, TextPredictionTrainer, TrainingArguments, demo_model, demo_path
from gradiend_nb.controls import ControlRoom
torch.set_num_threads(1)
args = TrainingArguments(train_batch_size=4, max_steps=100_000, eval_steps=100, learning_rate=1e-3, train_max_size=60, encoder_eval_train_max_size=10, pre_prune_config=PrePruneConfig(topk=.05),
    decoder_eval_lrs=[.001, .003, .01, .02, .05, .1, 1., 10.])
trainer = TextPredictionTrainer(demo_model('en'), data=pd.read_csv(demo_path('corpora/english_number.csv'), dtype=str), eval_neutral_data=demo_path('corpora/english_neutral.txt'),
    target_classes=['3SG','3PL'], args=args)
room = ControlRoom(trainer)
room.encoder.max_size = 20
'''

def write_app(folder):
    "The notebook that is served"
    import nbformat
    nb = nbformat.v4.new_notebook(metadata=dict(kernelspec=dict(name='python3', display_name='Python 3', language='python')))
    nb.cells = [nbformat.v4.new_code_cell(s) for s in (app.strip(), 'room')]
    nbformat.write(nb, folder/'app.ipynb')

offline = '''{%- extends 'voila/templates/lab/index.html.j2' -%}
{%- block notebook_css -%}
{%- set css -%}{{ super() }}{%- endset -%}
{{ css | replace('https://cdn.jsdelivr.net/npm/', 'data:text/css,') }}
{%- endblock notebook_css -%}
'''

def write_settings(tmp):
    "Folders of its own for a server: no news, no files of the user's, a Voila template without links to other machines"
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [str(root), os.environ.get('PYTHONPATH')])), JUPYTER_PATH=str(tmp/'share'), OMP_NUM_THREADS='1',
        TOKENIZERS_PARALLELISM='false', HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1')
    for v in ('JUPYTER_RUNTIME_DIR', 'JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'IPYTHONDIR', 'JUPYTERLAB_SETTINGS_DIR', 'JUPYTERLAB_WORKSPACES_DIR'):
        env[v] = str(tmp/v)
        (tmp/v).mkdir()
    news = tmp/'JUPYTERLAB_SETTINGS_DIR/@jupyterlab/apputils-extension/notification.jupyterlab-settings'
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps(dict(fetchNews='false', checkForUpdates=False, doNotDisturbMode=True)))
    template = tmp/'share/voila/templates/offline'
    template.mkdir(parents=True)
    (template/'conf.json').write_text('{"base_template": "lab"}')
    (template/'index.html.j2').write_text(offline)
    return env

servers = dict(voila='voila', lab='jupyter', notebook='jupyter')     # Notebook's server has JupyterLab as well, and a notebook keeps its kernel
paths = dict(voila='', lab='lab/tree/app.ipynb', notebook='notebooks/app.ipynb')

def command(server, port, token):
    "How `server` is started"
    if server == 'voila': return ['voila', '--no-browser', '--Voila.ip=127.0.0.1', f'--port={port}', '--Voila.port_retries=0', f'--token={token}', '--show_tracebacks=True', '--template=offline',
        '--VoilaConfiguration.extension_denylist', '@jupyter-notebook/lab-extension', 'app.ipynb']
    return ['notebook', '--allow-root', '--no-browser', '--ServerApp.ip=127.0.0.1', f'--ServerApp.port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}', '--ServerApp.root_dir=.',
        '--JupyterNotebookApp.expose_app_in_browser=True', '--LabApp.expose_app_in_browser=True', '--LabApp.extension_manager=readonly']

@contextlib.contextmanager
def serve(server):
    "Start a server with the app; yields its process, and a function that gives the address of a front end as soon as it answers"
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix='gradiend-browser-') as tmp:
        tmp,log = Path(tmp),Path(tmp)/'server.log'
        (tmp/'app').mkdir()
        write_app(tmp/'app')
        with open(log, 'w') as f: p = subprocess.Popen([sys.executable, '-m', *command(server, port, token)], cwd=tmp/'app', env=write_settings(tmp), stdin=subprocess.DEVNULL, stdout=f, stderr=f)
        def ready(front):
            for _ in range(600):
                if p.poll() is not None: raise RuntimeError(f'{server} ended:\n{log.read_text()[-3000:]}')
                with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), .2): return f'http://127.0.0.1:{port}/{paths[front]}?token={token}'
                time.sleep(.1)
            raise TimeoutError(f'{server} does not answer:\n{log.read_text()[-3000:]}')
        try: yield p,ready
        finally:
            p.terminate()              # server and kernels go
            try: p.wait(15)
            except subprocess.TimeoutExpired: p.kill(); p.wait()

# %% what a user does

class User:
    "Somebody at a page, who notices requests that leave the machine"
    def __init__(self, browser, front, address):
        self.front,self.strays,self.context = front,[],browser.new_context(viewport=dict(width=1280, height=900))
        self.context.route('**/*', self.guard)
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.page.on('websocket', lambda ws: self.local(ws.url) or self.strays.append(ws.url))
        self.page.goto(address, wait_until='commit')

    def run(self):
        "Have the cells run; Voila does so by itself"
        if self.front == 'voila': return
        self.page.wait_for_function("()=>window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status=='idle'", timeout=60_000)
        self.page.evaluate("()=>{window.jupyterapp.commands.execute('notebook:run-all-cells'); return 1}")

    def local(self, url): return urlsplit(url).hostname in ('127.0.0.1', None)
    def guard(self, route):
        if self.local(route.request.url): return route.continue_()
        self.strays.append(route.request.url)
        route.abort()

    def part(self, panel): return self.page.locator(f'.gradiend-{panel}')
    def button(self, name, panel='traincontrols'): return self.part(panel).get_by_role('button', name=name, exact=True)
    def click(self, name, panel='traincontrols'): self.button(name, panel).click(timeout=30_000)
    def tab(self, name): self.page.get_by_role('tab', name=name).click()
    def step(self):
        shown = self.page.locator('.gradiend-step')
        return int(shown.inner_text()) if shown.count() else 0
    def said(self, text, panel='traincontrols', timeout=30_000): self.part(panel).locator('.gradiend-said', has_text=text).wait_for(timeout=timeout)
    def state(self, name): self.page.locator('.gradiend-state', has_text=name).wait_for(timeout=20_000)
    def fill(self, label, text, panel):
        field = self.part(panel).get_by_label(label, exact=True)
        field.fill(text); field.press('Enter')
    def shot(self, name): self.page.screenshot(path=shots/f'{self.front}_{name}.png')
    def until(self, f, why, timeout=20):
        end = time.monotonic() + timeout
        while not f():
            if time.monotonic() > end: raise AssertionError(f'{self.front}: {why}')
            time.sleep(.05)

def start_by_keyboard(u):
    "Tab until Start has the focus, then Enter"
    u.page.locator('body').press('Tab') if u.front == 'voila' else u.part('traincontrols').get_by_label('base model').focus()
    focused = "() => document.activeElement.innerText"
    for _ in range(40):
        if u.page.evaluate(focused) == 'Start': break
        u.page.keyboard.press('Tab')
    assert u.page.evaluate(focused) == 'Start', 'Start cannot be reached by the keyboard'
    u.page.keyboard.press('Enter')

def trains(u):
    "Numbers and picture move; Pause freezes them; Resume goes on"
    u.state('running')
    a,picture = u.step(),u.part('traincontrols').locator('img')
    src = picture.get_attribute('src')
    u.until(lambda: u.step() > a, 'the step does not move')
    u.until(lambda: picture.get_attribute('src') != src, 'the picture does not move')
    assert 'Curves of the training' in picture.get_attribute('alt')
    u.click('Pause'); u.state('paused')
    time.sleep(.2); b = u.step(); time.sleep(.3)
    assert u.step() == b, 'steps are taken while it is paused'
    u.click('Resume'); u.state('running')
    u.until(lambda: u.step() > b, 'it does not go on')

latency = """async n => {
    const button = s => [...document.querySelectorAll('.gradiend-traincontrols button')].find(b => b.innerText.trim() == s)
    const state = () => document.querySelector('.gradiend-state')?.innerText, step = () => +document.querySelector('.gradiend-step')?.innerText
    const until = f => new Promise(done => {
        const o = new MutationObserver(() => f() && (o.disconnect(), done()))
        o.observe(document.body, {subtree: true, childList: true, characterData: true}); f() && (o.disconnect(), done()) })
    const times = []
    for (let i = 0; i < n; i++) {
        const before = step(), start = performance.now()
        button('Pause').click(); await until(() => state().startsWith('paus')); times.push(performance.now() - start)
        button('Resume').click(); await until(() => state() == 'running' && step() > before)
    }
    return times
}"""

def clicks_answer(u, limit, n=50):
    "The 95th percentile of `n` clicks, each into a running training, is below `limit` milliseconds"
    times = sorted(u.page.evaluate(latency, n))
    p50,p95 = times[n//2],times[int(.95*n)]
    print(f'{u.front}: {n} clicks while training runs, answered in {p50:.0f} ms (median), {p95:.0f} ms (95th percentile)', flush=True)
    assert p95 < limit, f'95th percentile {p95:.0f} ms'

hostile = '<img src=x onerror="window.hurt=1">'

def encodes(u):
    "A sentence of the user's, while training runs; what is typed stays text"
    u.tab('Encode')
    u.fill('words', 'she, they, we', 'encoderexplorer')
    u.fill('sentence', 'The bakers behind the clock said that [MASK] slept.', 'encoderexplorer')
    u.part('encoderexplorer').locator('.gradiend-encodings td', has_text='they').wait_for(timeout=20_000)
    u.part('encoderexplorer').locator('img[alt*="they"]').wait_for(timeout=20_000)
    u.shot('encode')
    u.fill('sentence', f'The bakers {hostile} slept.', 'encoderexplorer')
    u.said('put it where the word stands', 'encoderexplorer')
    assert u.page.evaluate('() => window.hurt === undefined') and not u.page.locator('img[src="x"]').count(), 'text of the user became HTML'
    u.shot('error')

def retrains(u):
    "A move of the learning rate trains again"
    u.tab('Train')
    panel = u.part('traincontrols')
    u.fill('max steps', '30', 'traincontrols')
    panel.get_by_label('retrain when the learning rate moves').check()
    for way,lr in (('ArrowRight', '0.00112'), ('ArrowLeft', '0.001')):          # the first time, gradients are written to disk
        panel.locator('.noUi-handle').first.press(way)
        u.said(f'Trained 30 steps at learning rate {lr} in', timeout=60_000)
    print(f"{u.front}: {panel.locator('.gradiend-said').inner_text().split(' Kept')[0]}", flush=True)
    u.shot('retrained')

def decodes(u, grid):
    "A slider changes what the model says; the edit is applied and undone"
    u.tab('Decode')
    panel = u.part('decoderexplorer')
    numbers = lambda: panel.locator('.gradiend-numbers').inner_text(timeout=20_000)
    u.fill('sentence', 'The bakers behind the clock said that [MASK] slept.', 'decoderexplorer')
    u.until(lambda: numbers(), 'there are no numbers')
    a,handle = numbers(),panel.locator('.noUi-handle').nth(1)
    handle.focus()
    for _ in range(10): handle.press('ArrowRight')
    u.until(lambda: numbers() != a, 'the slider changes nothing')
    if grid:
        u.click('Find safe range', 'decoderexplorer')
        panel.locator('img[alt]').wait_for()
        u.until(lambda: 'safe up to' in (panel.locator('img').get_attribute('alt') or ''), 'the grid is not shown', 60)
    u.click('Apply', 'decoderexplorer'); u.said('has the edit until Undo', 'decoderexplorer')
    u.shot('decode')
    if grid: u.page.locator('.gradiend-room').screenshot(path=shots/'control_room.png')   # nbs/images/control_room.png is a copy of it
    u.tab('Train'); u.click('Start'); u.said('press Undo first')
    u.tab('Decode'); u.click('Undo', 'decoderexplorer'); u.said('every weight is what it was', 'decoderexplorer')

def play(u, limit):
    "All of it, in order; Notebook is JupyterLab's widgets on another page, and spared the edits"
    u.button('Start').wait_for(timeout=90_000)
    start_by_keyboard(u)
    trains(u)
    if u.front == 'voila': clicks_answer(u, limit)
    u.shot('train')
    encodes(u)
    u.tab('Train'); u.click('Stop'); u.said('Stopped after step', timeout=60_000)
    u.shot('stopped')
    if u.front == 'voila': retrains(u)
    if u.front != 'notebook': decodes(u, grid=u.front == 'voila')
    assert not u.strays, f'requests left the machine: {u.strays}'

def sessions(browser, fronts, limit):
    "All servers are started and their first pages opened at once, because most of the time goes into starting; then one page after another is used"
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        served = {s: stack.enter_context(serve(s)) for s in dict.fromkeys(servers[f] for f in fronts)}
        stack.callback(lambda: [p.terminate() for p,_ in served.values()])     # all of them before the first is waited for
        first = {next(f for f in fronts if servers[f] == s) for s in served}
        users = {f: User(browser, f, served[servers[f]][1](f)) for f in fronts if f in first}
        for u in users.values(): u.run()
        for f in fronts:
            if f not in users: users[f] = User(browser, f, served[servers[f]][1](f)); users[f].run()
            u = users[f]
            try: play(u, limit)
            except BaseException: u.shot('failed'); print(f'{f} failed, see {shots.name}/{f}_failed.png', file=sys.stderr); raise
            u.context.close()
            print(f'{f}: passed after {time.monotonic() - start:.0f} s', flush=True)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--front', nargs='+', default=['voila', 'lab', 'notebook'], choices=['voila', 'lab', 'notebook'])
    p.add_argument('--latency', type=float, default=200, help='milliseconds in which 95% of the clicks must be answered')
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # so that servers die with this process
    path = find_browser()
    if path is None: print('skipped: no Chromium on PATH, and none can be installed here'); sys.exit(77)
    shots.mkdir(exist_ok=True)
    from playwright.sync_api import sync_playwright
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=path, headless=True, args=chrome)
        sessions(browser, args.front, args.latency)
        browser.close()

if __name__ == '__main__': main()
