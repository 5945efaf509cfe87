"Packaging of gradiend_nb: everything comes from settings.ini, for every field that pyproject.toml calls dynamic."
import shutil
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
parser = ConfigParser(delimiters=['='])
parser.read(here/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']
extras = {name: cfg[f'{name}_requirements'].split() for name in ('data', 'plot', 'scale', 'docs', 'browser', 'dev')}

class BuildWithDemo(build_py):
    "The small English model and its sentences go into the wheel, so that `gradiend_nb demo` needs no clone"
    def run(self):
        super().run()
        if self.editable_mode: return
        to = Path(self.build_lib)/cfg['lib_path']/'tests_data'
        shutil.copytree(here/'tests_data/models/en-mlm', to/'models/en-mlm', dirs_exist_ok=True)
        (to/'corpora').mkdir(exist_ok=True)
        shutil.copy(here/'tests_data/corpora/english.txt', to/'corpora')

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    keywords=cfg['keywords'].split(),
    author=cfg['author'],
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Natural Language :: English',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in range(11, 15)),
    ],
    url=cfg['git_url'] if cfg['user'] else '',
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl']} if cfg['user'] else {},
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={cfg['lib_path']: ['py.typed']},
    cmdclass={'build_py': BuildWithDemo},
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]},
    zip_safe=False,
)
