"""Package metadata lives in settings.ini; this file only hands it to setuptools."""
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
STATUSES = {"1": "1 - Planning", "2": "2 - Pre-Alpha", "3": "3 - Alpha", "4": "4 - Beta", "5": "5 - Production/Stable"}

config = ConfigParser(delimiters=["="], interpolation=None)
config.read(HERE / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]

extras = {name: cfg[name].split() for name in cfg["extras"].split()}
extras["all"] = sorted({requirement for extra in extras.values() for requirement in extra})

readme = (HERE / "README.md").read_text(encoding="utf-8")
if cfg["git_url"]:  # the README's links are relative, which PyPI does not follow
    readme = re.sub(r'(\]\(|src=")(?=nbs/)', rf"\1{cfg['git_url']}/raw/main/", readme)

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=readme,
    long_description_content_type="text/markdown",
    keywords=cfg["keywords"].split(),
    author=cfg["author"],
    license=cfg["license"],
    classifiers=[
        f"Development Status :: {STATUSES[cfg['status']]}",
        f"Intended Audience :: {cfg['audience']}",
        "Programming Language :: Python :: 3",
        f"Programming Language :: Python :: {cfg['min_python']}",
        "Topic :: Scientific/Engineering :: Chemistry",
        "Topic :: Scientific/Engineering :: Physics",
    ],
    packages=find_packages(include=["platonic_nb", "platonic_nb.*"]),
    include_package_data=True,  # what MANIFEST.in names inside the package
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": ["platonic = platonic_nb.cli:main"],
        "nbdev": ["platonic_nb = platonic_nb._modidx:d"],
        # The group `platonic_nb.encoders` belongs to plugins: other packages register
        # their encoders in it, this one registers none.
    },
    zip_safe=False,
)
