"The three steps of README.md, taken from its text, as a newcomer takes them: in an empty folder, with a file of sentences. With --install DIR the commands run, too, in the clone DIR."
import argparse, os, random, re, subprocess, sys, tempfile
from pathlib import Path

root = Path(__file__).resolve().parents[1]

def blocks():
    "(language, code) of every block that a reader is to run"
    section = re.search(r'^## Three steps.*?(?=^## )', (root/'README.md').read_text(encoding='utf-8'), re.S | re.M)[0]
    found = re.findall(r'^```(sh|python)\n(.*?)^```', section, re.S | re.M)
    if [lang for lang, _ in found] != ['sh', 'python', 'python']: sys.exit(f'README.md should have a block of commands and two of Python, it has {[lang for lang, _ in found]}')
    return found

def sentences(n=180):
    "What somebody might have in a file: a few hundred sentences, some of them more than once"
    draw = random.Random(0)
    one = [('nurse', 'she'), ('plumber', 'he'), ('teacher', 'she'), ('driver', 'he'), ('dog', 'it'), ('engine', 'it')]
    happened, why = ['stopped', 'left early', 'fell asleep', 'came back', 'needed help', 'made noise'], ['tired', 'late', 'hungry', 'old', 'ready', 'cold']
    out = [f'{draw.choice(["We", "You", "I"])} {draw.choice(["left", "saw", "closed", "opened", "passed"])} the {draw.choice(["road", "market", "garden", "river", "station"])} on {draw.choice(["monday", "tuesday", "sunday"])}.' for _ in range(n)]
    for who, word in draw.choices(one, k=n):
        out.append(f'The {who} {draw.choice(happened)} because {word} was {draw.choice(why)}.')
        out.append(f'The {draw.choice(one)[0]}s {draw.choice(happened)} because they were {draw.choice(why)}.')
    draw.shuffle(out)
    return out

def run(cmd, cwd):
    env = dict(os.environ, PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}', TQDM_DISABLE='1', PIP_QUIET='1')
    r = subprocess.run(cmd, cwd=cwd, env=env, capture_output=True, text=True)
    if r.returncode: sys.exit(f'{cmd[-1]}\n{r.stdout}{r.stderr}')
    return r.stdout

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--install', type=Path, help='a clone, to run the commands of the first step in')
    clone = p.parse_args().install
    (_, commands), *python = blocks()
    if clone: print(run(['bash', '-ec', commands], clone))
    with tempfile.TemporaryDirectory() as tmp:
        Path(tmp, 'sentences.txt').write_text('\n'.join(sentences()), encoding='utf-8')
        said = run([sys.executable, '-c', ''.join(code for _, code in python)], tmp)
        print(said)
        if not Path(tmp, 'edited/config.json').is_file(): sys.exit('the edited model is not there')
        before, after = (float(dict(re.findall(r'(\w+) (\d\.\d\d)', line)).get('they', 0)) for line in said.splitlines()[-2:])
        if not (before > .5 and after < .25): sys.exit('the edited model says "they" as before')

if __name__ == '__main__': main()
