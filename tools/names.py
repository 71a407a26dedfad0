"""Which names a piece of a notebook needs and which it leaves behind: read off its syntax tree, nothing is run."""
import ast
import symtable

DEFS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def changed_in(node):
    "Names whose object is written to: `x[...] = `, `x.attr = `, `x += `, `del x[...]`."
    for part in ast.walk(node):
        owner = part.target if isinstance(part, ast.AugAssign) else part
        writes = part is not owner or not isinstance(getattr(part, "ctx", None), (ast.Load, type(None)))
        if writes and not isinstance(part, ast.Name):
            while isinstance(owner, (ast.Attribute, ast.Subscript)):
                owner = owner.value
            if isinstance(owner, ast.Name):
                yield owner.id


class Reader:
    "What statements need from outside (`needs`; `maybe`: if it exists) and leave behind, read in the order they run."

    def __init__(self, statements):
        self.needs, self.maybe, self.later, self.stores, self.changed = set(), set(), set(), set(), set()
        self.block(statements, set())
        self.needs |= self.later - self.stores
        self.maybe -= self.needs

    def take(self, node, bound):
        "Read one statement or expression that has no statements inside, scopes as Python's own symtable sees them."
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        symbols, inner, todo = table.get_symbols(), set(), list(table.get_children())
        while todo:
            child = todo.pop()
            todo += child.get_children()
            inner |= {s.get_name() for s in child.get_symbols() if s.is_global() and s.is_referenced()}
        changed = set() if isinstance(node, DEFS) else set(changed_in(node))
        loaded = {s.get_name() for s in symbols if s.is_referenced()} | changed
        if isinstance(node, DEFS):  # the body runs later, when names further down the cell exist as well
            self.later |= inner - bound
        else:  # a comprehension, or a lambda, which likely runs at once
            loaded |= inner
        at_once = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        for name in loaded - bound:
            (self.maybe if name in self.stores | at_once else self.needs).add(name)
        self.changed |= changed
        self.bind({s.get_name() for s in symbols if s.is_assigned()} | changed, bound)

    def bind(self, names, bound):
        names = names if isinstance(names, set) else {n.id for n in ast.walk(names) if isinstance(n, ast.Name)}
        self.stores |= names
        bound |= names

    def block(self, statements, bound):
        "Read statements one by one; of branches only what each of them binds is bound afterwards."
        for node in statements:
            if isinstance(node, ast.If):
                self.take(node.test, bound)
                bound |= self.block(node.body, set(bound)) & self.block(node.orelse, set(bound))
            elif isinstance(node, (ast.For, ast.While)):
                self.take(node.iter if isinstance(node, ast.For) else node.test, bound)
                inside = set(bound)
                if isinstance(node, ast.For):
                    self.bind(node.target, inside)
                self.block(node.body + node.orelse, inside)
            elif isinstance(node, ast.With):
                for item in node.items:
                    self.take(item.context_expr, bound)
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, bound)
                self.block(node.body, bound)
            elif isinstance(node, ast.Try):
                after = self.block(node.body + node.orelse, set(bound))
                for handler in node.handlers:
                    if handler.type is not None:
                        self.take(handler.type, bound)
                    after &= self.block(handler.body, bound | {handler.name})
                bound |= self.block(node.finalbody, after)
            else:
                self.take(node, bound)
        return bound
