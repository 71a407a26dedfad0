"""One page a module: every exported function and class with signature, parameters, returns and errors, from its docments."""
import ast
import importlib
import inspect
import re
import textwrap
import typing
from functools import cached_property
from pathlib import Path

from fastcore.docments import docments

ROOT = Path(__file__).resolve().parents[2]


def modules(package="platonic_nb"):
    "{module: file}, in the order of the names."
    top = ROOT / package
    found = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in sorted(top.rglob("*.py"))}
    return {m: p for m, p in found.items() if p.stem not in ("__init__", "_modidx")}


def notebook_of(path):
    "File name of the notebook that exports a module."
    said = re.search(r"File to edit: \S*?([\w.]+\.ipynb)", path.read_text(encoding="utf-8"))
    return said and said[1]


def unwrapped(thing):
    return inspect.unwrap(thing) if callable(thing) else thing


def exported(module):
    "(own functions and classes, [(name, value)] of constants, {name: module} of what is only passed on)."
    own, constants, passed = {}, {}, {}
    tree = ast.parse(inspect.getsource(module))
    assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    for name in getattr(module, "__all__", []):
        thing = unwrapped(getattr(module, name))
        if inspect.isfunction(thing) or inspect.isclass(thing):
            (own if thing.__module__ == module.__name__ else passed)[name] = thing
        elif name in assigned and isinstance(thing, (int, float, str, tuple, list, dict)):
            constants[name] = thing
    return own, constants, {n: t.__module__ for n, t in passed.items()}


class Index:
    "Which names in backticks lead where: {name: full name}, ambiguous ones left out."

    def __init__(self, package="platonic_nb"):
        self.names, self.kinds, twice = {}, {}, set()
        for name in modules(package):
            for key, thing in exported(importlib.import_module(name))[0].items():
                full = f"{name}.{key}"
                self.kinds[full] = "class" if inspect.isclass(thing) else "func"
                twice |= {key} & self.names.keys()
                self.names[key] = full
                if inspect.isclass(thing):
                    for method in methods(thing):
                        self.kinds[f"{full}.{method}"] = "meth"
                    self.kinds |= {f"{full}.{key}": "attr" for key in properties(thing)}
        self.names = {k: v for k, v in self.names.items() if k not in twice}

    def find(self, text, here=None):
        "Full name of what `text`, a name with or without a call, means; on the page of a module its own names go first."
        said = re.fullmatch(r"([A-Za-z_][\w.]*)(?:\([^`<>{}\\]*\))?", text)
        if said is None:
            return None
        name = said[1]
        head, _, rest = name.partition(".")
        tries = [f"{here}.{name}", name, f"platonic_nb.{name}", ".".join(filter(None, [self.names.get(head, ""), rest]))]
        return next((t for t in tries if t in self.kinds), None)

    def link(self, text, here=None):
        "The role that links `text`, or None."
        full = self.find(text, here)
        return full and f"{{py:{self.kinds[full]}}}`{text} <{full}>`"


def methods(cls):
    "Public methods that a class defines itself; class methods may be fastcore's, which keeps the function in `f`."
    found = {k: getattr(v, "__func__", getattr(v, "f", v)) for k, v in vars(cls).items() if not k.startswith("_")}
    return {k: v for k, v in found.items() if inspect.isfunction(v)}


def properties(cls):
    "{name: docstring} of the public properties that a class defines itself."
    found = {k: v for k, v in vars(cls).items() if not k.startswith("_") and isinstance(v, (property, cached_property))}
    return {k: inspect.getdoc(v) or "" for k, v in found.items()}


def type_name(anno):
    if anno in (inspect.Parameter.empty, type(None), None):
        return ""
    if typing.get_origin(anno) is typing.Annotated:
        return type_name(typing.get_args(anno)[0])
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", anno.__name__ if inspect.isclass(anno) and not typing.get_origin(anno) else str(anno))


def shown_default(default):
    if default is inspect.Parameter.empty:
        return None
    text = getattr(default, "__name__", None) or repr(default)
    return text if len(text) <= 40 and "<" not in text and "\n" not in text and "OptionInfo" not in text else "..."


def signature(thing):
    "Names and defaults; types stand in the table."
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return "()"
    if inspect.isclass(thing) and {p.kind for p in parameters} == {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return ""  # a protocol: nobody makes one
    out, star = [], False
    for p in parameters:
        if p.name in ("self", "cls"):
            continue
        if p.kind is p.VAR_POSITIONAL or p.kind is p.VAR_KEYWORD:
            star |= p.kind is p.VAR_POSITIONAL
            out.append(("*" if p.kind is p.VAR_POSITIONAL else "**") + p.name)
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            out.append("*")
            star = True
        default = shown_default(p.default)
        out.append(p.name if default is None else f"{p.name}={default}")
    return f"({', '.join(out)})"


def comment(thing, name, said):
    "What a parameter is: its docment, or the help of an option of the command line."
    if said.get("docment"):
        return said["docment"]
    helps = [getattr(m, "help", None) for m in getattr(said["anno"], "__metadata__", ())] + [getattr(said["default"], "help", None)]
    if any(helps):
        return next(h for h in helps if h)
    after = re.search(rf"\*\*{name}\b[^#\n]*#\s*(.*)", inspect.getsource(thing))  # docments does not read it after **name
    return after[1] if after else ""


def cell(text):
    return re.sub(r"\s+", " ", str(text)).replace("|", r"\|")


def table(thing, prose):
    "Parameters as a Markdown table, and what comes back as a line below it."
    said = docments(thing, full=True)
    back = said.pop("return", None)
    rows = {n: d for n, d in said.items() if n not in ("self", "cls")}
    lines = []
    if rows and not (inspect.isclass(thing) and set(rows) <= {"args", "kwargs"}):
        lines = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        for name, d in rows.items():
            kind, default = type_name(d["anno"]), shown_default(d["default"])
            lines.append(f"| `{name}` | {f'`{cell(kind)}`' if kind else ''} | {f'`{cell(default)}`' if default is not None else ''} "
                         f"| {cell(prose(comment(thing, name, d)))} |")
    if back and not inspect.isclass(thing) and (back.get("docment") or type_name(back.get("anno"))):
        kind = type_name(back.get("anno"))
        words = [f"`{kind}`" if kind else "", prose(back.get("docment") or "")]
        lines += ["", "**Returns** " + ": ".join(w for w in words if w)]
    return lines


def raised(thing):
    "Messages of the errors that a function raises in its own lines, with what is filled in between braces."
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    out = []
    for node in ast.walk(tree):
        call = node.exc if isinstance(node, ast.Raise) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
            continue
        message = call.args[0]
        if isinstance(message, ast.Constant):
            text = str(message.value)
        elif isinstance(message, ast.JoinedStr):
            text = "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in message.values)
        else:
            continue
        text = re.sub(r"([*_`$<{}@\[\]])", r"\\\1", " ".join(text.split()))
        out.append(f"- {call.func.id}: {text}")
    return list(dict.fromkeys(out))


def documented(thing, prose):
    "Docstring, parameters, what comes back, errors: lines of MyST."
    doc = inspect.getdoc(thing) or ""
    if inspect.isclass(thing) and (doc.startswith(f"{thing.__name__}(") or (doc and doc == inspect.getdoc(thing.__base__))):
        doc = ""  # written by dataclass, or inherited
    lines = [prose(doc), "", *table(thing, prose)]
    errors = raised(thing) if inspect.isfunction(thing) else []
    return [*lines, "", *(["**Raises**", "", *errors, ""] if errors else [])]


def entry(full, thing, prose, lesson="", index=True):
    "One function or class as MyST, its methods inside."
    name, kind = full.rpartition(".")[2], "class" if inspect.isclass(thing) else "function"
    options = [] if index else [":no-index:"]
    lines = [f"::::::{{py:{kind}}} {name}{signature(thing)}", *options, "", *documented(thing, prose)]
    if inspect.isclass(thing):
        for key, doc in properties(thing).items():
            lines += [f":::::{{py:property}} {key}", *options, "", prose(doc), ":::::", ""]
        for key, method in methods(thing).items():
            lines += [f":::::{{py:method}} {key}{signature(method)}", *options, "", *documented(method, prose), ":::::", ""]
    return "\n".join([*lines, lesson, "", "::::::", ""])


def page(name, path, index, prose, titles, anchors):
    "The reference page of one module: Markdown."
    module = importlib.import_module(name)
    own, constants, passed = exported(module)
    lesson = notebook_of(path)
    about = " ".join((module.__doc__ or "").split())
    short = name.removeprefix("platonic_nb.")
    lines = ["---", "myst:", "  html_meta:", f"    description: {about!r}", "---", f"# {short}", "", ":::{div} subtitle", about, ":::", "",
             f"Made in the lesson [{titles[lesson]}](../{lesson}). `from {name} import ...`", "", f":::{{py:module}} {name}", ":::", ""]
    for key, thing in own.items():
        full = f"{name}.{key}"
        where = f"[Grown in the lesson](#{anchors[full]})" if full in anchors else ""
        lines += [entry(full, thing, lambda t: prose(t, name), where), ""]
    if constants:
        lines += ["## Constants", "", "| name | value |", "|---|---|"]
        for key, value in constants.items():
            text = re.sub(r"np\.\w+\(([^)]*)\)", r"\1", repr(value))
            lines.append(f"| `{key}` | `{cell(text if len(text) <= 160 else text[:150] + ' ...').replace('`', '')}` |")
        lines.append("")
    if passed:
        told = ", ".join(index.link(f"{m}.{k}".removeprefix("platonic_nb.")) or f"`{m}.{k}`" for k, m in passed.items())
        lines += ["## At hand here too", "", told, ""]
    return "\n".join(lines)


def overview(pages, titles):
    "The page above the pages: every module with what it is for."
    lines = ["# Reference", "", ":::{div} subtitle", "Every public name, module by module, in the order of the lessons", ":::", "",
             "| module | what it is | lesson |", "|---|---|---|"]
    for name, path in pages.items():
        about = " ".join((importlib.import_module(name).__doc__ or "").split())
        lesson = notebook_of(path)
        lines.append(f"| [`{name.removeprefix('platonic_nb.')}`]({name}.md) | {cell(about)} | [{cell(titles[lesson])}](../{lesson}) |")
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *pages, "```", ""])
